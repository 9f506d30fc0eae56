from datetime import timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec

from tests.unit.rtc.pairs import negotiate, pair
from visavis.errors import DOMException
from visavis.rtc import RTCConfiguration, RTCIceServer, RTCPeerConnection
from visavis.rtc.certificate import RTCCertificate, default

TURN = {"urls": "turn:turn.example.org", "username": "u", "credential": "c"}


def test_a_configuration_is_a_dict_or_a_dataclass_and_is_copied() -> None:
    by_dict = RTCPeerConnection({"iceServers": [TURN], "bundlePolicy": "max-bundle"})
    server = RTCIceServer("turn:turn.example.org", "u", "c")
    by_dataclass = RTCPeerConnection(
        RTCConfiguration([server], bundlePolicy=by_dict.getConfiguration().bundlePolicy)
    )
    assert by_dict.getConfiguration() == by_dataclass.getConfiguration()
    by_dict.getConfiguration().iceServers.clear()
    assert by_dict.getConfiguration().iceServers[0].urls == ["turn:turn.example.org"]


@pytest.mark.parametrize(
    ("server", "name"),
    [
        ({"urls": []}, "SyntaxError"),
        ({"urls": "http://example.org"}, "SyntaxError"),
        ({"urls": "stun:stun.example.org?transport=udp"}, "SyntaxError"),
        ({"urls": "turn:turn.example.org"}, "InvalidAccessError"),
        ({"urls": "turn:turn.example.org", "username": "u"}, "InvalidAccessError"),
    ],
)
def test_impossible_servers_are_refused_by_the_standards_names(server: object, name: str) -> None:
    with pytest.raises(DOMException) as caught:
        RTCPeerConnection({"iceServers": [server]})
    assert caught.value.name == name


def test_an_expired_certificate_is_refused() -> None:
    with pytest.raises(DOMException) as caught:
        RTCPeerConnection({"certificates": [RTCCertificate(default().native, 1)]})
    assert caught.value.name == "InvalidAccessError"


@pytest.mark.parametrize(
    "change", [{"bundlePolicy": "max-bundle"}, {"rtcpMuxPolicy": "negotiate"}, {"certificates": [default()]}]
)
def test_what_cannot_change_is_refused(change: dict[str, object]) -> None:
    pc = RTCPeerConnection()
    with pytest.raises(DOMException) as caught:
        pc.setConfiguration(change)
    assert caught.value.name == "InvalidModificationError"


async def test_the_pool_size_is_fixed_by_the_first_local_description() -> None:
    pc = RTCPeerConnection()
    pc.setConfiguration({"iceCandidatePoolSize": 3})
    assert pc.getConfiguration().iceCandidatePoolSize == 3
    with pytest.raises(DOMException):
        await pc.setLocalDescription({"type": "answer", "sdp": "no"})
    with pytest.raises(DOMException) as caught:
        pc.setConfiguration({"iceCandidatePoolSize": 4})
    assert caught.value.name == "InvalidModificationError"
    pc.close()


async def test_other_servers_have_the_next_offer_restart_ice() -> None:
    pc, other = pair()
    pc.addTransceiver("audio")
    await negotiate(pc, other)
    first = _ufrag(pc)
    await negotiate(pc, other)
    assert _ufrag(pc) == first
    pc.setConfiguration({"iceTransportPolicy": "relay"})
    await negotiate(pc, other)
    restarted = _ufrag(pc)
    assert restarted != first
    await negotiate(pc, other)
    assert _ufrag(pc) == restarted
    pc.close()
    other.close()


@pytest.mark.parametrize("curve", ["P-256", "P-384"])
async def test_certificates_are_ecdsa_and_expire_within_a_year(curve: str) -> None:
    algorithm = {"name": "ecdsa", "namedCurve": curve, "expires": 10**15}
    made = await RTCPeerConnection.generateCertificate(algorithm)
    short = await RTCPeerConnection.generateCertificate({**algorithm, "expires": 0})
    assert 364 < (made.expires - short.expires) / 86_400_000 <= 365
    shown = x509.load_der_x509_certificate(made.der)
    assert shown.not_valid_after_utc - shown.not_valid_before_utc == timedelta(days=365)
    key = shown.public_key()
    assert isinstance(key, ec.EllipticCurvePublicKey)
    assert key.curve.name == {"P-256": "secp256r1", "P-384": "secp384r1"}[curve]
    (fingerprint,) = made.getFingerprints()
    assert fingerprint.algorithm == "sha-256"
    assert fingerprint.value == made.fingerprint.digest.hex(":")
    for other in ("HMAC", {"name": "RSASSA-PKCS1-v1_5"}, {"name": "ECDSA", "namedCurve": "P-521"}):
        with pytest.raises(DOMException) as caught:
            await RTCPeerConnection.generateCertificate(other)
        assert caught.value.name == "NotSupportedError"


def _ufrag(pc: RTCPeerConnection) -> str:
    description = pc.localDescription
    assert description is not None
    return next(line for line in description.sdp.splitlines() if line.startswith("a=ice-ufrag:"))
