import pytest

from visavis.errors import RemoteProtocolError
from visavis.transfer.proof import Role, fingerprints_untrusted, proof

_SDP = "v=0\r\na=fingerprint:sha-256 AA:BB\r\nm=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\n"


def test_a_proof_is_of_a_role_a_secret_and_both_fingerprints() -> None:
    right = proof("2mqp-9xhr-t4nb", Role.HOST, "v", "h")
    assert right == proof("2MQP9XHRT4NB", Role.HOST, "v", "h")
    others = [
        proof("2mqp-9xhr-t4nc", Role.HOST, "v", "h"),
        proof("2mqp-9xhr-t4nb", Role.VISITOR, "v", "h"),
        proof("2mqp-9xhr-t4nb", Role.HOST, "h", "v"),
        proof("2mqp-9xhr-t4nb", Role.HOST, "v", "x"),
    ]
    assert right not in others


def test_a_proof_is_what_the_page_makes_of_the_same() -> None:
    assert proof("2mqp-9xhr-t4nb", Role.VISITOR, "sha-256 aa", "sha-256 bb") == (
        "8c653e64f8e9063bab8693d57ddcbed071bcfec9c5f2fdb4c137879987e1be15"
    )


def test_a_fingerprint_more_makes_another_proof() -> None:
    assert fingerprints_untrusted(_SDP) == "sha-256 aa:bb"
    assert fingerprints_untrusted(_SDP + "a=fingerprint:sha-256 aa:bb\r\n") == "sha-256 aa:bb"
    assert fingerprints_untrusted(_SDP + "a=fingerprint:sha-256 CC\r\n") == "sha-256 aa:bb,sha-256 cc"


def test_a_description_without_one_is_refused() -> None:
    with pytest.raises(RemoteProtocolError):
        fingerprints_untrusted("v=0\r\n")
