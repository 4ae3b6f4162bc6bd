"""A target is production until it is shown not to be."""

from __future__ import annotations

import pytest
from smokegate.audit.production import refuse_production
from smokegate.errors import UsageError
from smokegate.settings import Settings


@pytest.mark.parametrize(
    ("url", "environment"),
    [
        ("http://localhost:8000", "production"),
        ("http://LOCALHOST.", "production"),
        ("https://127.0.0.1:8443", "production"),
        ("https://127.8.9.10", "production"),
        ("http://[::1]:8000", "production"),
        ("https://api.example.com", "staging"),
        ("https://10.0.0.5", "test"),
    ],
)
def test_what_is_here_or_said_to_be_something_else_may_be_used(url: str, environment: str) -> None:
    refuse_production(Settings(url=url, environment=environment), owns=False)


@pytest.mark.parametrize(
    ("url", "environment"),
    [
        ("https://api.example.com", "production"),
        ("https://api.example.com", ""),
        ("https://api.example.com", "Live"),
        ("https://api.example.com", "PRD-eu"),
        ("https://api.example.com", "pre-production"),
        # Production has private addresses, too.
        ("https://10.0.0.5", "production"),
        ("http://192.168.1.7", "production"),
        ("http://[fd00::7]", "production"),
        ("http://169.254.169.254", "production"),
        ("http://localhost.example.com", "production"),
        ("http://127.0.0.1.example.com", "production"),
    ],
)
def test_anything_else_needs_the_word_of_its_owner(url: str, environment: str) -> None:
    settings = Settings(url=url, environment=environment)
    with pytest.raises(UsageError) as refusal:
        refuse_production(settings, owns=False)
    assert str(refusal.value) == (
        f"{url} is taken for production, for its environment is {environment!r}; "
        "name another --environment, or give --i-own-this-target"
    )
    refuse_production(settings, owns=True)
