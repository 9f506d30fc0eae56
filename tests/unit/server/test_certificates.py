import datetime
import ipaddress
import ssl
import stat
from pathlib import Path

import pytest
from cryptography import x509

from visavis.errors import ConfigError
from visavis.server.certificates import (
    LEAF_DAYS,
    CertificateFiles,
    ensure_certificate,
    names,
    server_context,
)

NOW = datetime.datetime(2026, 5, 1, tzinfo=datetime.UTC)
DAY = datetime.timedelta(days=1)
HOSTS = ["192.0.2.7", "localhost", "::1"]


def read(path: Path) -> x509.Certificate:
    return x509.load_pem_x509_certificate(path.read_bytes())


def test_the_first_start_makes_an_authority_and_a_leaf_for_all_hosts(tmp_path: Path) -> None:
    files = ensure_certificate(tmp_path / "new", HOSTS, NOW)
    assert files.authority is not None
    leaf, authority = read(files.certificate), read(files.authority)
    leaf.verify_directly_issued_by(authority)
    names = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == ["localhost"]
    addresses = names.get_values_for_type(x509.IPAddress)
    assert addresses == [ipaddress.ip_address("192.0.2.7"), ipaddress.ip_address("::1")]
    assert authority.extensions.get_extension_for_class(x509.BasicConstraints).value.ca


def test_a_leaf_lives_no_longer_than_browsers_accept(tmp_path: Path) -> None:
    leaf = read(ensure_certificate(tmp_path, HOSTS, NOW).certificate)
    assert leaf.not_valid_after_utc - leaf.not_valid_before_utc <= LEAF_DAYS * DAY
    assert leaf.not_valid_before_utc < NOW


def test_keys_are_readable_by_their_owner_only(tmp_path: Path) -> None:
    files = ensure_certificate(tmp_path / "new", HOSTS, NOW)
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "new").iterdir()}
    assert modes["ca-key.pem"] == modes[files.key.name] == 0o600
    assert stat.S_IMODE((tmp_path / "new").stat().st_mode) == 0o700


def test_a_second_start_keeps_everything(tmp_path: Path) -> None:
    files = ensure_certificate(tmp_path, HOSTS, NOW)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    assert ensure_certificate(tmp_path, HOSTS[:1], NOW + 300 * DAY) == files
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


@pytest.mark.parametrize(("hosts", "days"), [(HOSTS, LEAF_DAYS - 30), ([*HOSTS, "10.0.0.1"], 0)])
def test_a_leaf_near_its_end_or_without_a_host_is_renewed_by_the_same_authority(
    tmp_path: Path, hosts: list[str], days: int
) -> None:
    files = ensure_certificate(tmp_path, HOSTS, NOW)
    assert files.authority is not None
    leaf, authority = files.certificate.read_bytes(), files.authority.read_bytes()
    ensure_certificate(tmp_path, hosts, NOW + days * DAY)
    assert files.certificate.read_bytes() != leaf
    assert files.authority.read_bytes() == authority


def test_after_a_crash_between_key_and_certificate_the_pair_is_made_anew(tmp_path: Path) -> None:
    files = ensure_certificate(tmp_path / "one", HOSTS, NOW)
    other = ensure_certificate(tmp_path / "two", HOSTS, NOW)
    files.key.write_bytes(other.key.read_bytes())
    server_context(ensure_certificate(tmp_path / "one", HOSTS, NOW))


def test_a_client_that_trusts_the_authority_accepts_the_server(tmp_path: Path) -> None:
    now = datetime.datetime.now(datetime.UTC)
    files = ensure_certificate(tmp_path, HOSTS, now)
    client_context = ssl.create_default_context(cafile=files.authority)
    ends = [ssl.MemoryBIO() for _ in range(4)]
    client = client_context.wrap_bio(ends[0], ends[1], server_hostname="192.0.2.7")
    server = server_context(files).wrap_bio(ends[2], ends[3], server_side=True)
    done: set[ssl.SSLObject] = set()
    for _ in range(10):
        for end in (client, server):
            try:
                end.do_handshake()
                done.add(end)
            except ssl.SSLWantReadError:
                pass
        ends[2].write(ends[1].read())
        ends[0].write(ends[3].read())
    assert done == {client, server}
    assert client.version() == "TLSv1.3"


def test_the_names_in_a_certificate_are_its_dns_names(tmp_path: Path) -> None:
    files = ensure_certificate(tmp_path, ["call.example", "*.example.org", "192.0.2.7"], NOW)
    assert names(files) == ["call.example", "*.example.org"]
    files.certificate.write_text("nonsense")
    with pytest.raises(ConfigError, match=r"the names in .*server\.pem cannot be read"):
        names(files)


def test_a_directory_that_cannot_be_made_is_named_with_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError, match=r"data_dir = .*file/below cannot hold .*--data-dir"):
        ensure_certificate(tmp_path / "file" / "below", HOSTS, NOW)


def test_a_certificate_that_is_none_is_named(tmp_path: Path) -> None:
    files = ensure_certificate(tmp_path, HOSTS, NOW)
    (tmp_path / "ca.pem").write_text("nonsense")
    with pytest.raises(ConfigError, match="cannot be read"):
        ensure_certificate(tmp_path, HOSTS, NOW)
    files.certificate.write_text("nonsense")
    with pytest.raises(ConfigError, match="are not a certificate and its key"):
        server_context(files)
    with pytest.raises(ConfigError, match=r"none\.pem for HTTPS cannot be read"):
        server_context(CertificateFiles(tmp_path / "none.pem", files.key))
