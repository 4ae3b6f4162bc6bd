"""Lattice API: n-dimensional lattices and paths through them, for many tenants."""
