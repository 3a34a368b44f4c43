"""Shows what is covered: accounts x Regions with one sign each, and why a cell is not green."""
