"""Why something of a description is left out."""

from __future__ import annotations


class UnfitError(Exception):
    """What cannot be drafted; the message is a clause that says why."""
