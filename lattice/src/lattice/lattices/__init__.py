"""Lattices: grids of any number of dimensions, with obstacles, kept for a tenant."""
