"""What all tests of smokegate share."""

from __future__ import annotations

from hypothesis import settings

# The same examples every time: a test that fails by luck tells nobody anything.
settings.register_profile("gate", max_examples=150, deadline=None, derandomize=True, database=None)
settings.load_profile("gate")
