"""What Chromium, Firefox and Safari wrote is answered, and their answers are applied."""

import pytest

from tests.unit.jsep.peers import Peer, assert_consistent
from tests.unit.sdp.recordings import names, recorded
from visavis.jsep import SdpType, SignalingState
from visavis.jsep.transport import is_live
from visavis.sdp import parse


@pytest.mark.parametrize("name", [name for name in names() if "-offer" in name])
def test_a_browsers_offer_is_answered(name: str) -> None:
    peer = Peer()
    offer = parse(recorded(name))
    peer.remote(SdpType.OFFER, recorded(name))
    answer = parse(peer.answer())
    assert peer.session.signaling_state is SignalingState.STABLE
    assert [media.kind for media in answer.media] == [media.kind for media in offer.media]
    for offered, answered in zip(offer.media, answer.media, strict=True):
        if not is_live(offered):
            assert not is_live(answered)
            continue
        assert answered.mid == offered.mid
        supported = {"opus", "vp8"} & {codec.name.lower() for codec in offered.codecs}
        assert is_live(answered) == (offered.kind == "application" or bool(supported))
        numbers = {codec.payload_type: codec.name.lower() for codec in offered.codecs}
        assert all(numbers[one.payload_type] == one.name.lower() for one in answered.codecs)
        assert answered.payload_types == () or set(answered.payload_types) <= set(offered.payload_types)
    assert_consistent(peer.session)
