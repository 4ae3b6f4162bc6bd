"""Which addresses deliveries may go to."""

import pytest
from lattice.webhooks.receivers import check_url, is_private


@pytest.mark.parametrize(
    "url",
    [
        "http://example.com",
        "https://example.com:8443/a/b?c=d#e",
        "http://127.0.0.1:8000/hook",
        "http://[2001:db8::1]/",
        "https://b\u00fccher.example/\u2713",
    ],
)
def test_an_address_stays_as_it_is_written(url: str) -> None:
    assert check_url(url) == url


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("", "begins with http"),
        ("example.com/hook", "begins with http"),
        ("ftp://example.com/", "begins with http"),
        ("javascript:alert(1)", "begins with http"),
        ("http://", "names a host"),
        ("http:///path", "names a host"),
        ("http://example.com:99999/", "not a URL"),
        ("http://example.com:0/", "port 0"),
        ("http://[::1/", "not a URL"),
        ("http://exam\ud800ple/", "not a URL"),
        ("http://user:password@example.com/", "name or password"),
        ("http://example.com/a b", "no spaces"),
        ("http://example.com/\r\nX: y", "no spaces"),
    ],
)
def test_what_is_no_address_is_told_why(url: str, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        check_url(url)


@pytest.mark.parametrize(
    ("url", "private"),
    [
        ("http://localhost:9000/", True),
        ("http://LOCALHOST./", True),
        ("http://db.internal/", True),
        ("http://127.0.0.1/", True),
        ("http://10.1.2.3/", True),
        ("http://169.254.169.254/latest", True),
        ("http://0.0.0.0/", True),
        ("http://[::1]/", True),
        ("http://[::ffff:127.0.0.1]/", True),
        ("http://[fd00::1]/", True),
        ("http://8.8.8.8/", False),
        ("https://hooks.example.com/", False),
    ],
)
def test_private_addresses_are_known(url: str, private: bool) -> None:
    assert is_private(url) is private
