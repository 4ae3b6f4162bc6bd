"""Runs that are killed at random moments, and what `sweep` makes of it.

python -m tests.system.kills 300 --seed 1
"""
