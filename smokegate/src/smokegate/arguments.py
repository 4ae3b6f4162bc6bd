"""What the commands' descriptions of their arguments share."""

from __future__ import annotations

import argparse
from typing import Any

SUITES_FOLDER = "tests/smoke"
_MOST = 10_000


def described(description: str, short: str, exits: str) -> dict[str, Any]:
    """How a command is described to argparse: whole, in a few words, and by its exit codes."""
    return {
        "description": description,
        "help": short,
        "epilog": exits,
        "formatter_class": argparse.RawDescriptionHelpFormatter,
    }


def count(text: str) -> int:
    """A number of things, for argparse."""
    if not (text.isascii() and text.isdigit() and 1 <= int(text) <= _MOST):
        raise argparse.ArgumentTypeError(f"{text} is not from 1 to {_MOST}")
    return int(text)
