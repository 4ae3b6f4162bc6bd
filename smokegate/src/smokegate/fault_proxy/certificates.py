"""Certificates, good and bad in one way each, and the TLS contexts to serve them with."""

from __future__ import annotations

import ipaddress
import ssl
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import trustme
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

LOOPBACK_NAMES = ("localhost", "127.0.0.1", "::1")


@dataclass(frozen=True)
class ServedCertificate:
    """A certificate chain and its key as PEM files, for a context or for another process."""

    chain_file: Path
    key_file: Path

    def context(self) -> ssl.SSLContext:
        """Return a server context of today: TLS 1.2 or later, HTTP/1.1 by ALPN."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.load_cert_chain(self.chain_file, self.key_file)
        context.set_alpn_protocols(["http/1.1"])
        return context

    def legacy_context(self, newest: ssl.TLSVersion | None = None) -> ssl.SSLContext:
        """Return a server context that accepts TLS 1.0 and later, up to `newest` if given.

        Clients need OpenSSL's security level 0 to get below TLS 1.2 themselves.
        """
        context = self.context()
        with warnings.catch_warnings():
            # Old versions are deprecated; serving them is the point.
            warnings.simplefilter("ignore", DeprecationWarning)
            context.minimum_version = ssl.TLSVersion.TLSv1
            if newest is not None:
                context.maximum_version = newest
        context.set_ciphers("ALL:@SECLEVEL=0")
        return context


class Certificates:
    """An authority of its own that writes what it issues into a directory.

    `ca_file` is what a client has to trust. Every certificate is for `names` unless said
    otherwise.
    """

    def __init__(self, directory: Path, names: Sequence[str] = LOOPBACK_NAMES) -> None:
        self._directory = directory
        self._names = tuple(names)
        self._authority = trustme.CA()
        self.ca_file = directory / "ca.pem"
        self._authority.cert_pem.write_to_path(self.ca_file)

    def good(self) -> ServedCertificate:
        """Return one that verifies, valid for centuries."""
        return self._write("good", self._authority.issue_cert(*self._names))

    def expired(self, days_ago: float = 1.0) -> ServedCertificate:
        """Return one that ended so many days ago."""
        return self._ending("expired", timedelta(days=-days_ago))

    def days_left(self, days: int) -> ServedCertificate:
        """Return one that ends in so many days and an hour: whole days counted down to it."""
        return self._ending(f"days-left-{days}", timedelta(days=days, hours=1))

    def wrong_host(self, name: str = "elsewhere.example") -> ServedCertificate:
        """Return one for another name, good otherwise."""
        return self._write("wrong-host", self._authority.issue_cert(name))

    def incomplete_chain(self) -> ServedCertificate:
        """Return one by an intermediate authority that is not served along."""
        leaf = self._authority.create_child_ca().issue_cert(*self._names)
        return self._write("incomplete-chain", leaf, chain=leaf.cert_chain_pems[:1])

    def self_signed(self) -> ServedCertificate:
        """Return one that no authority has signed."""
        key = ec.generate_private_key(ec.SECP256R1())
        certificate = _sign_itself(key, self._names)
        chain_file, key_file = self._files("self-signed")
        chain_file.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
        key_file.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
        )
        return ServedCertificate(chain_file, key_file)

    def _ending(self, label: str, in_time: timedelta) -> ServedCertificate:
        ends = datetime.now(UTC) + in_time
        leaf = self._authority.issue_cert(*self._names, not_after=ends)
        return self._write(label, leaf)

    def _write(
        self, label: str, leaf: trustme.LeafCert, chain: Sequence[trustme.Blob] | None = None
    ) -> ServedCertificate:
        chain_file, key_file = self._files(label)
        pems = leaf.cert_chain_pems if chain is None else chain
        chain_file.write_bytes(b"".join(pem.bytes() for pem in pems))
        leaf.private_key_pem.write_to_path(key_file)
        return ServedCertificate(chain_file, key_file)

    def _files(self, label: str) -> tuple[Path, Path]:
        return self._directory / f"{label}.pem", self._directory / f"{label}.key"


def _sign_itself(key: ec.EllipticCurvePrivateKey, names: Sequence[str]) -> x509.Certificate:
    """Return a certificate for these names whose issuer is its own subject."""
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, names[0])])
    now = datetime.now(UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=365))
        .add_extension(x509.SubjectAlternativeName([_general_name(n) for n in names]), False)
    )
    return builder.sign(key, hashes.SHA256())


def _general_name(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)
