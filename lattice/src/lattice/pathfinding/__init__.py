"""Pathfinding: the shortest way through a lattice."""
