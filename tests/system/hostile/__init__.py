"""Targets that mean harm: replies drawn at random, sent through the real client, then judged.

    python -m tests.system.hostile 100000 --seed 1

A reply is what a random generator makes of the seed and the path that was asked for, so every
finding can be had again.
"""
