import pytest

from visavis.dataplane.commands import SocketId
from visavis.errors import SdpError
from visavis.ice import Candidate, CandidateType, Foundations, LocalCandidate, candidate_priority
from visavis.ice.candidate import ip_version

LINES = (
    "candidate:1 1 udp 2130706431 192.0.2.1 50000 typ host ufrag abcd",
    "candidate:2 1 udp 1694498815 198.51.100.7 40001 typ srflx raddr 192.0.2.1 rport 50000",
    "candidate:3 1 tcp 1518280447 192.0.2.1 9 typ host tcptype active",
    "candidate:4 1 udp 16777215 2001:db8::1 50000 typ relay raddr 2001:db8::2 rport 1 ufrag efgh",
    "candidate:5 1 udp 2130706431 6f8b1a1e-3c1e-4d1e-9e4b-3a4e8a2c6d1f.local 50000 typ host",
)


@pytest.mark.parametrize("line", LINES)
def test_a_candidate_is_written_as_it_was_read(line: str) -> None:
    assert f"candidate:{Candidate.parse_untrusted(line).to_sdp()}" == line


def test_all_fields_of_a_candidate_are_read() -> None:
    assert Candidate.parse_untrusted(
        "candidate:9 1 UDP 1694498815 198.51.100.7 40001 typ srflx"
        " raddr 192.0.2.1 rport 5 generation 0 ufrag ab"
    ) == Candidate(
        foundation="9",
        priority=1694498815,
        address="198.51.100.7",
        port=40001,
        type=CandidateType.SERVER_REFLEXIVE,
        related=("192.0.2.1", 5),
        ufrag="ab",
    )


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("candidate:1 1 sctp 1 192.0.2.1 1 typ host", "transport 'sctp'"),
        ("candidate:1 1 udp 1 192.0.2.1 1 typ magic", "type 'magic'"),
        ("candidate:1 1 udp 0 192.0.2.1 1 typ host", "priority 0"),
        ("candidate:1 1 udp 2147483648 192.0.2.1 1 typ host", "priority 2147483648"),
        ("nonsense", "does not start with"),
    ],
)
def test_what_is_no_candidate_is_refused_with_its_reason(line: str, why: str) -> None:
    with pytest.raises(SdpError, match=why):
        Candidate.parse_untrusted(line)


def test_priorities_are_those_of_the_formula() -> None:
    """RFC 8445 section 5.1.2.1."""
    assert candidate_priority(CandidateType.HOST, 65535) == 2130706431
    assert candidate_priority(CandidateType.SERVER_REFLEXIVE, 65535) == 1694498815
    assert candidate_priority(CandidateType.PEER_REFLEXIVE, 65535) == 1862270975
    assert candidate_priority(CandidateType.RELAYED, 65535) == 16777215


def test_checks_of_a_host_candidate_name_the_priority_of_a_peer_reflexive_one() -> None:
    candidate = Candidate(
        "1", candidate_priority(CandidateType.HOST, 65535), "192.0.2.1", 5, CandidateType.HOST
    )
    local = LocalCandidate(candidate, SocketId(1000), ("192.0.2.1", 5), 65535)
    assert local.check_priority == 1862270975


def test_foundations_are_the_same_for_the_same_type_base_and_server() -> None:
    foundations = Foundations()
    host = foundations.of(CandidateType.HOST, "192.0.2.1")
    assert foundations.of(CandidateType.HOST, "192.0.2.1") == host
    others = {
        host,
        foundations.of(CandidateType.HOST, "192.0.2.2"),
        foundations.of(CandidateType.SERVER_REFLEXIVE, "192.0.2.1", "198.51.100.1"),
        foundations.of(CandidateType.SERVER_REFLEXIVE, "192.0.2.1", "198.51.100.2"),
    }
    assert len(others) == 4


@pytest.mark.parametrize(
    ("address", "version"),
    [
        ("192.0.2.1", 4),
        ("2001:db8::1", 6),
        ("::ffff:192.0.2.1", None),
        ("fe80::1%eth0", None),
        ("example.local", None),
        ("224.0.0.1", None),
        ("255.255.255.255", None),
        ("0.0.0.0", None),
        ("::", None),
        ("ff02::fb", None),
        ("", None),
    ],
)
def test_an_address_has_a_version_unless_it_cannot_be_paired(address: str, version: int | None) -> None:
    assert ip_version(address) == version
