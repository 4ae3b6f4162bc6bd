"""Which addresses deliveries may go to."""

from ipaddress import ip_address

import pytest
from lattice.webhooks.receivers import check_url, find_objection, is_public


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
    ("url", "words"),
    [
        ("http://8.8.8.8/", "over https only"),
        ("https://localhost:9000/", "private"),
        ("https://LOCALHOST./", "private"),
        ("https://db.internal/", "private"),
        ("https://127.0.0.1/", "private"),
        ("https://169.254.169.254/latest", "private"),
        ("https://[::1]/", "private"),
        ("https://[::ffff:127.0.0.1]/", "private"),
        ("https://8.8.8.8/", None),
        ("https://hooks.example.com/", None),
    ],
)
def test_what_is_written_is_objected_to(url: str, words: str | None) -> None:
    objection = find_objection(url)
    assert words in objection if words and objection else objection is words


@pytest.mark.parametrize(
    "address",
    [
        # This machine, this network, private networks, shared ones.
        *("0.0.0.0", "127.0.0.1", "127.255.255.254", "10.1.2.3", "172.16.0.1", "172.31.255.255"),
        *("192.168.0.1", "100.64.0.1", "169.254.169.254", "255.255.255.255", "240.0.0.1"),
        *("::", "::1", "fc00::1", "fd00::1", "fe80::1", "fe80::1%eth0", "fec0::1"),
        # Multicast, documentation, benchmarks, protocols.
        *("224.0.0.1", "239.255.255.250", "ff02::1", "ff0e::1"),
        *("192.0.2.1", "198.51.100.1", "203.0.113.1", "2001:db8::1", "3fff::1"),
        *(
            "198.18.0.1",
            "2001:2::1",
            "192.0.0.8",
            "192.0.0.170",
            "192.88.99.1",
            "100::1",
            "5f00::1",
        ),
        # 10.0.0.1 and 8.8.8.8, wrapped: mapped, compatible, translated, NAT64, 6to4, Teredo.
        *("::ffff:10.0.0.1", "::10.0.0.1", "::ffff:0:10.0.0.1", "64:ff9b::10.0.0.1"),
        *("64:ff9b:1::10.0.0.1", "2002:a00:1::1", "2001:0:a00:1::1", "2001::f5ff:fffe"),
        *("::ffff:8.8.8.8", "64:ff9b::8.8.8.8", "2002:808:808::1"),
    ],
)
def test_no_such_address_is_public(address: str) -> None:
    assert not is_public(ip_address(address))


@pytest.mark.parametrize(
    "address",
    ["8.8.8.8", "172.32.0.1", "100.128.0.1", "192.0.1.1", "2001:4860:4860::8888", "2606:4700::1"],
)
def test_other_addresses_are_public(address: str) -> None:
    assert is_public(ip_address(address))
