"""A simulated organization on this machine, so that a rollout can be watched before it happens."""
