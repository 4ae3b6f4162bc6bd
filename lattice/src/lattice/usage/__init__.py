"""Usage: what a tenant has done, counted exactly, by UTC day."""
