"""Where deliveries may go."""

from ipaddress import ip_address
from urllib.parse import urlsplit

import httpx2

URL_CHARACTERS_MAX = 2048


def check_url(text: str) -> str:
    """Return the address of a receiver as it is; raises `ValueError` with words if it is none."""
    if any(character <= " " or character == "\x7f" for character in text):
        raise ValueError("a URL has no spaces or control characters")
    try:
        text.encode()
        parts, url = urlsplit(text), httpx2.URL(text)
        port = parts.port
    except (ValueError, httpx2.InvalidURL) as error:
        raise ValueError(f"not a URL: {error}") from error
    if port == 0:
        raise ValueError("a URL cannot name port 0")
    if parts.scheme not in {"http", "https"}:
        raise ValueError("a URL begins with http:// or https://")
    if not url.host:
        raise ValueError("a URL names a host")
    if url.userinfo:
        raise ValueError("a URL with a name or password would show it to everyone who reads it")
    return text


def is_private(url: str) -> bool:
    """Tell whether the address names this machine or a private network.

    Only what is written is judged: a name is not resolved here.
    """
    host = httpx2.URL(url).host.rstrip(".").lower()
    if host == "localhost" or host.endswith((".localhost", ".local", ".internal")):
        return True
    try:
        return not ip_address(host).is_global
    except ValueError:
        return False
