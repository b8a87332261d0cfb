"""Make the networks."""
