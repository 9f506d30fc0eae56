"""HTTPS for a server without a domain: a certificate authority of its own, and a leaf for the names it is
opened by.

Browsers give cameras to secure contexts only. Whoever installs the authority's certificate once, on a phone
say, is never warned again, since renewed leaves come from the same authority.
"""

import datetime
import ipaddress
import os
import ssl
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from visavis.errors import ConfigError

AUTHORITY_DAYS = 3650
LEAF_DAYS = 397
"""What browsers accept at most (CA/Browser Forum Baseline Requirements section 6.3.2)."""
RENEW_BEFORE_DAYS = 30

_ONE_DAY = datetime.timedelta(days=1)


@dataclass(frozen=True, slots=True)
class CertificateFiles:
    """What a TLS server needs on disk; `authority` is None when the operator gave the certificate."""

    certificate: Path
    key: Path
    authority: Path | None = None


@dataclass(frozen=True, slots=True)
class _Issued:
    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey


def ensure_certificate(data_dir: Path, hosts: Sequence[str], now: datetime.datetime) -> CertificateFiles:
    """Finds or makes the authority in `data_dir` and a leaf for `hosts` that is good for another 30 days.

    Raises:
        ConfigError: the directory cannot be used, or holds a key or certificate that cannot be read.
    """
    files = CertificateFiles(data_dir / "server.pem", data_dir / "server-key.pem", data_dir / "ca.pem")
    authority_path, authority_key_path = data_dir / "ca.pem", data_dir / "ca-key.pem"
    try:
        data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        authority = _load(authority_path, authority_key_path)
        if authority is None or authority.certificate.not_valid_after_utc < now + LEAF_DAYS * _ONE_DAY:
            authority = _make_authority(now)
            _store(authority, authority_path, authority_key_path)
        leaf = _load(files.certificate, files.key)
        if leaf is None or not _serves(leaf.certificate, authority.certificate, hosts, now):
            _store(_make_leaf(authority, hosts, now), files.certificate, files.key)
    except OSError as error:
        message = f"data_dir = {data_dir} cannot hold the certificate authority: {error.strerror or error}"
        raise ConfigError(f"{message}; name another with --data-dir, or give --cert and --key") from None
    except ValueError as error:
        message = f"the certificates in {data_dir} cannot be read: {error}"
        raise ConfigError(f"{message}; move that directory away and new ones are made") from None
    return files


def names(files: CertificateFiles) -> list[str]:
    """The DNS names in the certificate (RFC 5280 section 4.2.1.6), `*.example.org` among them.

    Raises:
        ConfigError: it cannot be read.
    """
    try:
        leaf = x509.load_pem_x509_certificate(files.certificate.read_bytes())
        found = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return []
    except (OSError, ValueError) as error:
        message = f"the names in {files.certificate} cannot be read: {error}"
        raise ConfigError(f"{message}; give --cert a certificate as RFC 5280 has it") from None
    return found.get_values_for_type(x509.DNSName)


def server_context(files: CertificateFiles) -> ssl.SSLContext:
    """A TLS context (RFC 8446; 1.2 at least) for the files.

    Raises:
        ConfigError: they cannot be read, or do not belong together.
    """
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    for path in (files.certificate, files.key):
        if not os.access(path, os.R_OK):
            raise ConfigError(
                f"the file {path} for HTTPS cannot be read; give --cert and --key the paths of PEM files"
            )
    try:
        context.load_cert_chain(files.certificate, files.key, password=_refuse_passphrase)
    except (ssl.SSLError, ValueError) as error:
        reason = getattr(error, "reason", None) or str(error)
        message = (
            f"{files.certificate} and {files.key} are not a certificate and its key in PEM form ({reason})"
        )
        raise ConfigError(f"{message}; give --cert the chain and --key the unencrypted key") from None
    return context


def _refuse_passphrase() -> str:
    raise ValueError("the key has a passphrase")


def _make_authority(now: datetime.datetime) -> _Issued:
    key = ec.generate_private_key(ec.SECP256R1())
    identifier = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
    name = x509.Name(
        [x509.NameAttribute(NameOID.COMMON_NAME, f"visavis local CA {identifier.digest.hex()[:8]}")]
    )
    certificate = (
        _builder(name, name, key, now, AUTHORITY_DAYS)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(key_cert_sign=True), critical=True)
        .add_extension(identifier, critical=False)
        .sign(key, hashes.SHA256())
    )
    return _Issued(certificate, key)


def _make_leaf(authority: _Issued, hosts: Sequence[str], now: datetime.datetime) -> _Issued:
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "visavis server")])
    issuer_key = authority.key.public_key()
    certificate = (
        _builder(subject, authority.certificate.subject, key, now, LEAF_DAYS)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.SubjectAlternativeName([_general_name(host) for host in hosts]), critical=False)
        .add_extension(_usage(digital_signature=True), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key), critical=False)
        .sign(authority.key, hashes.SHA256())
    )
    return _Issued(certificate, key)


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey, now: datetime.datetime, days: int
) -> x509.CertificateBuilder:
    """RFC 5280 section 4.1; valid since yesterday, for clocks that are behind, and `days` long in all."""
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _ONE_DAY)
        .not_valid_after(now + (days - 1) * _ONE_DAY)
    )


def _usage(*, digital_signature: bool = False, key_cert_sign: bool = False) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=digital_signature,
        key_cert_sign=key_cert_sign,
        crl_sign=key_cert_sign,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _general_name(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)


def _serves(
    leaf: x509.Certificate, authority: x509.Certificate, hosts: Sequence[str], now: datetime.datetime
) -> bool:
    if leaf.not_valid_after_utc < now + RENEW_BEFORE_DAYS * _ONE_DAY or leaf.issuer != authority.subject:
        return False
    names = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    return {_general_name(host) for host in hosts} <= set(names)


def _load(certificate_path: Path, key_path: Path) -> _Issued | None:
    if not (certificate_path.is_file() and key_path.is_file()):
        return None
    certificate = x509.load_pem_x509_certificate(certificate_path.read_bytes())
    key = serialization.load_pem_private_key(key_path.read_bytes(), password=None)
    if not isinstance(key, ec.EllipticCurvePrivateKey) or key.public_key() != certificate.public_key():
        return None
    return _Issued(certificate, key)


def _store(issued: _Issued, certificate_path: Path, key_path: Path) -> None:
    """The key first and by rename: a crash leaves a pair that does not match and is made anew."""
    key_pem = issued.key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    _write(key_path, key_pem, 0o600)
    _write(certificate_path, issued.certificate.public_bytes(serialization.Encoding.PEM), 0o644)


def _write(path: Path, content: bytes, mode: int) -> None:
    temporary = path.with_name(path.name + ".part")
    temporary.unlink(missing_ok=True)
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)
