"""A new DTLS association on a live transport (RFC 8842 section 3): real sockets, and DTLS between them."""

from collections.abc import Callable, Iterator

import pytest

from tests.unit.dataplane.pair import TRANSPORT, Pair
from tests.unit.dataplane.test_channels import BINARY, PORT, is_state, read_until
from visavis.dataplane import MessagePort
from visavis.dataplane.commands import (
    CloseAssociation,
    DtlsRole,
    Fingerprint,
    OpenAssociation,
    RenewDtls,
    RequestStats,
    SetIceRole,
)
from visavis.dataplane.reports import AssociationState, MessagesReady, Report, TransportState, TransportStats


@pytest.fixture
def pair() -> Iterator[Pair]:
    pair = Pair()
    yield pair
    pair.close()


def is_transport_state(state: str) -> Callable[[Report], bool]:
    return lambda report: isinstance(report, TransportState) and report.state == state


def renew(pair: Pair, roles: tuple[DtlsRole, DtlsRole]) -> None:
    for end, other, role in zip(pair.ends, reversed(pair.ends), roles, strict=True):
        end.native.submit([RenewDtls(TRANSPORT, role, (other.fingerprint,))])


def open_associations(pair: Pair, number: int) -> None:
    for end in pair.ends:
        end.native.submit([OpenAssociation(TRANSPORT, PORT, PORT, association=number)])
    for end in pair.ends:
        report = end.until(is_state("connected"))
        assert isinstance(report, AssociationState)
        assert report.association == number


def send_across(pair: Pair, data: bytes) -> None:
    for sender, reader in (pair.ends, reversed(pair.ends)):
        assert sender.native.send_message(TRANSPORT, 1, BINARY, data)
        assert read_until(reader, bool) == [(1, BINARY, data)]


@pytest.mark.parametrize("roles", [(DtlsRole.CLIENT, DtlsRole.SERVER), (DtlsRole.SERVER, DtlsRole.CLIENT)])
def test_both_ends_agree_on_new_keys_in_either_role_and_open_another_association(
    pair: Pair, roles: tuple[DtlsRole, DtlsRole]
) -> None:
    open_associations(pair, 1)
    send_across(pair, b"before")
    renew(pair, roles)
    for end in pair.ends:
        end.until(is_transport_state("connecting"))
        report = end.until(is_transport_state("connected"))
        assert isinstance(report, TransportState)
        assert report.certificate
        closed = end.until(is_state("closed"))
        assert isinstance(closed, AssociationState)
        assert closed.association == 1
    open_associations(pair, 2)
    send_across(pair, b"after")


def test_a_peer_with_another_certificate_than_that_of_the_new_association_fails(pair: Pair) -> None:
    one, other = pair.ends
    wrong = Fingerprint("sha-256", bytes(32))
    one.native.submit([RenewDtls(TRANSPORT, DtlsRole.CLIENT, (wrong,))])
    other.native.submit([RenewDtls(TRANSPORT, DtlsRole.SERVER, (one.fingerprint,))])
    for end, reason in ((one, "fingerprint-mismatch"), (other, "dtls-alert-42")):
        report = end.until(is_transport_state("failed"))
        assert isinstance(report, TransportState)
        assert report.reason == reason


def test_the_next_association_takes_the_place_of_the_one_that_is_open(pair: Pair) -> None:
    open_associations(pair, 1)
    first, second = pair.ends
    assert first.native.send_message(TRANSPORT, 0, BINARY, b"of the first")
    second.until(lambda report: isinstance(report, MessagesReady))
    open_associations(pair, 2)
    assert MessagePort(second.native, TRANSPORT).read() == ([], [], False), (
        "nothing of the one before is read"
    )
    for end in pair.ends:
        end.native.submit([CloseAssociation(TRANSPORT, 1)])
    send_across(pair, b"of the second")


def test_the_figures_of_an_association_are_those_of_its_transport(pair: Pair) -> None:
    end = pair.ends[0]
    end.native.submit([RequestStats(TRANSPORT)])
    report = end.until(lambda report: isinstance(report, TransportStats))
    assert isinstance(report, TransportStats)
    assert "sctpMtu" not in report.values
    open_associations(pair, 1)
    send_across(pair, bytes(3_000))
    end.native.submit([RequestStats(TRANSPORT)])
    report = end.until(lambda report: isinstance(report, TransportStats))
    assert isinstance(report, TransportStats)
    assert 1_200 <= int(report.values["sctpMtu"]) <= 16_384
    assert int(report.values["sctpCongestionWindow"]) > 0
    assert int(report.values["sctpReceiverWindow"]) > 0
    assert float(report.values["sctpSmoothedRoundTripTime"]) > 0


def test_a_lite_transport_keeps_its_role(pair: Pair) -> None:
    pair.ends[0].native.submit([SetIceRole(TRANSPORT, controlling=True)])
    open_associations(pair, 1)
    send_across(pair, b"as before")
