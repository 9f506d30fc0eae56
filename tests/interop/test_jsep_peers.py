"""Sessions negotiate with real browsers, offering and answering, and both agree; no packet is sent."""

from typing import Any

import pytest

from tests.interop.pages import OpenPage, Page
from tests.unit.jsep.peers import Peer, assert_consistent
from visavis.dataplane.commands import DtlsRole, Kind
from visavis.jsep import (
    BundlePolicy,
    SdpType,
    SignalingState,
    Transceiver,
    needs_negotiation,
    set_direction,
    stop,
    want_data,
)
from visavis.sdp import Direction

START = """
    globalThis.pc = new RTCPeerConnection();
    globalThis.tracks = [];
    pc.ontrack = event => tracks.push([event.transceiver.mid, event.streams.map(one => one.id)]);
"""
ADD = "for (const [kind, direction] of argument) pc.addTransceiver(kind, {direction});"
ADD_LAYERS = (
    'pc.addTransceiver("video", {sendEncodings: [{rid: "q", scaleResolutionDownBy: 4}, {rid: "f"}]});'
)
DATA = 'pc.createDataChannel("data");'
OFFER = "await pc.setLocalDescription(await pc.createOffer(argument)); return pc.localDescription.sdp;"
TAKE_ANSWER = 'await pc.setRemoteDescription({type: "answer", sdp: argument});'
ANSWER = """
    await pc.setRemoteDescription({type: "offer", sdp: argument});
    await pc.setLocalDescription();
    return pc.localDescription.sdp;
"""
STATE = """
    return {
        state: pc.signalingState,
        tracks: tracks.splice(0),
        sctp: pc.sctp !== null,
        transceivers: pc.getTransceivers().map(one => ({
            mid: one.mid,
            direction: one.currentDirection,
            rids: one.sender.getParameters().encodings.map(each => each.rid ?? null),
            formats: one.receiver.getParameters().codecs.map(each => each.payloadType),
        })),
    };
"""
_REVERSED = {"sendrecv": "sendrecv", "sendonly": "recvonly", "recvonly": "sendonly", "inactive": "inactive"}


class Browser:
    """A page with one `RTCPeerConnection`."""

    def __init__(self, page: Page) -> None:
        self._page = page
        self.run(START)

    def run(self, body: str, argument: object = None) -> Any:
        return self._page.evaluate(f"async (argument) => {{ {body} }}", argument)

    def answers(self, peer: Peer, *, ice_restart: bool = False) -> Any:
        peer.remote(SdpType.ANSWER, self.run(ANSWER, peer.offer(ice_restart=ice_restart)))
        return self._agreed(peer)

    def offers(self, peer: Peer, options: dict[str, bool] | None = None) -> Any:
        peer.remote(SdpType.OFFER, self.run(OFFER, options or {}))
        self.run(TAKE_ANSWER, peer.answer())
        return self._agreed(peer)

    def _agreed(self, peer: Peer) -> Any:
        """The browser's state, after a comparison with ours; what we still want is in no m-line yet."""
        state = self.run(STATE)
        assert state["state"] == "stable"
        assert peer.session.signaling_state is SignalingState.STABLE
        assert_consistent(peer.session)
        waiting = [one for one in peer.session.transceivers if one.mid is None]
        assert needs_negotiation(peer.session) is bool(waiting)
        ours = {one.mid: one for one in peer.session.transceivers if one.mid is not None and not one.stopped}
        theirs = {one["mid"]: one for one in state["transceivers"] if one["mid"] is not None}
        assert ours.keys() == theirs.keys()
        for mid, one in ours.items():
            _assert_agree(one, theirs[mid])
        return state


def _assert_agree(ours: Transceiver, theirs: dict[str, Any]) -> None:
    assert ours.current_direction is not None
    assert theirs["direction"] == _REVERSED[ours.current_direction]
    if ours.current_direction.sends:
        assert {one.payload_type for one in ours.send_formats} <= set(theirs["formats"])


@pytest.fixture(params=["chromium", "firefox"])
def browser(request: pytest.FixtureRequest, open_page: OpenPage) -> Browser:
    return Browser(open_page(request.param))


@pytest.mark.parametrize("policy", list(BundlePolicy))
def test_a_browser_answers_and_renegotiates(browser: Browser, policy: BundlePolicy) -> None:
    peer = Peer(1, bundle_policy=policy)
    audio = peer.add(Kind.AUDIO, track_id="mic", stream_ids=("s",), add_track=True)
    peer.add(Kind.VIDEO, track_id="cam", stream_ids=("s",), add_track=True)
    peer.add(Kind.VIDEO, direction=Direction.RECVONLY)
    peer.session = want_data(peer.session)
    state = browser.answers(peer)
    assert state["tracks"] == [["0", ["s"]], ["1", ["s"]]]
    assert state["sctp"]
    assert peer.session.data.negotiated
    assert [one.role for one in peer.session.transports] == [DtlsRole.SERVER]

    first = peer.session.transports[0]
    peer.session = set_direction(peer.session, audio, Direction.INACTIVE)
    peer.add(Kind.AUDIO, track_id="second", stream_ids=("t",))
    assert browser.answers(peer)["tracks"] == [["4", ["t"]]]

    peer.session = stop(peer.session, audio)
    browser.answers(peer)
    peer.add(Kind.VIDEO, track_id="again")
    assert browser.answers(peer)["tracks"] == [["5", []]]
    assert peer.session.transceivers[-1].m_line_index == 0

    browser.answers(peer, ice_restart=True)
    (last,) = peer.session.transports
    assert last.key == first.key
    assert last.fingerprints == first.fingerprints
    assert (last.association, last.role) == (first.association, first.role)
    assert last.remote is not None
    assert first.remote is not None
    assert last.remote.ufrag != first.remote.ufrag


def test_a_browser_offers_and_renegotiates(browser: Browser) -> None:
    peer = Peer(1)
    mine = peer.add(Kind.AUDIO, track_id="mic", stream_ids=("s",), add_track=True)
    browser.run(ADD, [["audio", "sendrecv"], ["video", "sendrecv"], ["video", "recvonly"]])
    browser.run(DATA)
    state = browser.offers(peer)
    assert state["tracks"] == [["0", ["s"]]]
    assert peer.transceiver(mine).mid == "0"
    assert [one.kind for one in peer.session.transceivers] == [Kind.AUDIO, Kind.VIDEO, Kind.VIDEO]
    assert peer.session.data.negotiated
    (first,) = peer.session.transports
    assert first.role is DtlsRole.CLIENT

    browser.run("pc.getTransceivers()[1].stop();")
    browser.offers(peer)
    browser.run(ADD, [["audio", "sendrecv"]])
    browser.offers(peer)
    assert peer.session.transceivers[-1].m_line_index in (1, 4)  # Firefox waits before it uses one again

    before = first.remote
    browser.offers(peer, {"iceRestart": True})
    (last,) = peer.session.transports
    assert (last.key, last.association, last.role) == (first.key, 0, first.role)
    assert last.remote != before
    assert last.local != first.local


def test_roles_alternate(browser: Browser) -> None:
    peer = Peer(1)
    browser.run(ADD, [["audio", "sendrecv"]])
    browser.offers(peer)
    peer.add(Kind.VIDEO, track_id="cam")
    browser.answers(peer)
    browser.run(ADD, [["video", "sendrecv"]])
    browser.offers(peer)
    peer.session = want_data(peer.session)
    browser.answers(peer)
    assert len(peer.session.transports) == 1
    assert len({one.mid for one in peer.session.transceivers} | {peer.session.data.mid}) == 4


def test_glare_is_settled_by_either_ends_rollback(browser: Browser) -> None:
    peer = Peer(1)
    peer.add(Kind.AUDIO, track_id="mic", add_track=True)
    browser.run(ADD, [["audio", "sendrecv"]])
    browser.run(OFFER, {})
    browser.answers(peer)

    peer.add(Kind.VIDEO, track_id="cam", add_track=True)
    peer.offer()
    browser.offers(peer)
    assert needs_negotiation(peer.session)
    browser.answers(peer)
    assert [one.kind for one in peer.session.transceivers] == [Kind.AUDIO, Kind.VIDEO, Kind.AUDIO]


def test_a_browser_sends_and_receives_simulcast_as_far_as_the_w3c_has_it(browser: Browser) -> None:
    """A peer connection sends layers and asks for none (RFC 9429 section 3.7)."""
    peer = Peer(1)
    browser.run(ADD_LAYERS)
    browser.offers(peer)
    sending = peer.add(Kind.VIDEO, rids=("q", "f"))
    browser.answers(peer)
    assert peer.transceiver(sending).rids == ("q",)
