"""Each certificate is bad in the one way that it says, seen by Python's TLS and by libcurl's."""

from __future__ import annotations

import ssl
import warnings
from datetime import UTC, datetime

import pycurl
import pytest
from smokegate.fault_proxy.certificates import Certificates, ServedCertificate

from tests.system.conftest import OpenProxy
from tests.system.raw_client import connected

SECONDS_A_DAY = 86_400


def shake_hands(open_proxy: OpenProxy, served: ServedCertificate, client: ssl.SSLContext) -> str:
    """Return the TLS version agreed on; raises ssl.SSLError."""
    proxy = open_proxy(tls=served.context())
    with connected(proxy.url, client) as connection:
        assert isinstance(connection, ssl.SSLSocket)
        return connection.version() or ""


def legacy_client(version: ssl.TLSVersion) -> ssl.SSLContext:
    """Return a client that speaks this version only and verifies nothing."""
    client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    client.check_hostname = False
    client.verify_mode = ssl.CERT_NONE
    client.set_ciphers("ALL:@SECLEVEL=0")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        client.minimum_version = version
        client.maximum_version = version
    return client


def test_a_good_one_verifies(
    open_proxy: OpenProxy, certificates: Certificates, trusting: ssl.SSLContext
) -> None:
    assert shake_hands(open_proxy, certificates.good(), trusting) == "TLSv1.3"


@pytest.mark.parametrize(
    ("kind", "complaint"),
    [
        ("expired", "certificate has expired"),
        ("wrong_host", "IP address mismatch"),
        ("self_signed", "self-signed certificate"),
        ("incomplete_chain", "unable to get local issuer certificate"),
    ],
)
def test_a_bad_one_is_bad_as_it_says(
    open_proxy: OpenProxy,
    certificates: Certificates,
    trusting: ssl.SSLContext,
    kind: str,
    complaint: str,
) -> None:
    served: ServedCertificate = getattr(certificates, kind)()
    with pytest.raises(ssl.SSLCertVerificationError, match=complaint):
        shake_hands(open_proxy, served, trusting)


@pytest.mark.parametrize("kind", ["wrong_host", "incomplete_chain"])
def test_a_bad_one_is_bad_in_one_way_only(
    open_proxy: OpenProxy, certificates: Certificates, kind: str
) -> None:
    served: ServedCertificate = getattr(certificates, kind)()
    lenient = ssl.create_default_context(cafile=certificates.ca_file)
    lenient.check_hostname = False
    if kind == "incomplete_chain":
        lenient.verify_flags |= ssl.VerifyFlags.VERIFY_X509_PARTIAL_CHAIN
        lenient.load_verify_locations(served.chain_file)
    assert shake_hands(open_proxy, served, lenient) == "TLSv1.3"


@pytest.mark.parametrize("days", [3, 13, 14])
def test_days_left_are_whole_days(
    open_proxy: OpenProxy, certificates: Certificates, trusting: ssl.SSLContext, days: int
) -> None:
    proxy = open_proxy(tls=certificates.days_left(days).context())
    with connected(proxy.url, trusting) as connection:
        assert isinstance(connection, ssl.SSLSocket)
        ends = str((connection.getpeercert() or {})["notAfter"])
    left_s = ssl.cert_time_to_seconds(ends) - datetime.now(UTC).timestamp()
    assert int(left_s // SECONDS_A_DAY) == days


def test_libcurl_verifies_the_good_one_and_not_the_wrong_host(
    open_proxy: OpenProxy, certificates: Certificates
) -> None:
    codes = []
    for served in (certificates.good(), certificates.wrong_host()):
        curl = pycurl.Curl()
        curl.setopt(pycurl.URL, open_proxy(tls=served.context()).url + "/json")
        curl.setopt(pycurl.CAINFO, str(certificates.ca_file))
        curl.setopt(pycurl.WRITEFUNCTION, len)
        try:
            curl.perform()
            codes.append(pycurl.E_OK)
        except pycurl.error as failure:
            codes.append(failure.args[0])
        finally:
            curl.close()
    assert codes == [pycurl.E_OK, pycurl.E_PEER_FAILED_VERIFICATION]


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1])
def test_old_versions_are_accepted_by_a_legacy_context_only(
    open_proxy: OpenProxy, certificates: Certificates, version: ssl.TLSVersion
) -> None:
    served = certificates.good()
    client = legacy_client(version)
    with connected(open_proxy(tls=served.legacy_context()).url, client) as connection:
        assert isinstance(connection, ssl.SSLSocket)
        assert connection.version() == version.name.replace("_", ".")
    # asyncio's server drops the connection without an alert, so there is no text to match.
    with pytest.raises(ssl.SSLError):
        shake_hands(open_proxy, served, client)


def test_a_legacy_context_can_end_at_an_old_version(
    open_proxy: OpenProxy, certificates: Certificates, trusting: ssl.SSLContext
) -> None:
    context = certificates.good().legacy_context(newest=ssl.TLSVersion.TLSv1_1)
    with pytest.raises(ssl.SSLError), connected(open_proxy(tls=context).url, trusting):
        pass
    modern_too = open_proxy(tls=certificates.good().legacy_context())
    with connected(modern_too.url, trusting) as connection:
        assert isinstance(connection, ssl.SSLSocket)
        assert connection.version() == "TLSv1.3"
