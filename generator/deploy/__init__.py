"""Takes rendered templates to an organization: what exists and what is wanted become steps."""
