"""Any sequence of calls on two peers, with any interleaving of their signaling, ends stable and agreeing."""

from collections import deque
from dataclasses import replace
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.jsep.peers import Peer, assert_agree, assert_consistent
from visavis.dataplane.commands import Kind
from visavis.jsep import (
    BundlePolicy,
    SdpType,
    Session,
    SignalingState,
    attach_track,
    needs_negotiation,
    restart_ice,
    set_codec_preferences,
    set_direction,
    set_streams,
    stop,
    want_data,
)
from visavis.sdp import Direction

_MAX_ROUNDS = 12

_OPERATIONS = st.one_of(
    st.tuples(
        st.just("add"), st.sampled_from(Kind), st.sampled_from(Direction), st.booleans(), st.booleans()
    ),
    st.tuples(st.just("attach"), st.integers(0, 5)),
    st.tuples(st.just("direction"), st.integers(0, 5), st.sampled_from(Direction)),
    st.tuples(st.just("streams"), st.integers(0, 5), st.lists(st.sampled_from("xyz"), max_size=2)),
    st.tuples(st.just("preferences"), st.integers(0, 5), st.integers(0, 3)),
    st.tuples(st.just("stop"), st.integers(0, 5)),
    st.tuples(st.just("data")),
    st.tuples(st.just("restart")),
    st.tuples(st.just("offer")),
    st.tuples(st.just("answer")),
    st.tuples(st.just("deliver")),
    st.tuples(st.just("deliver")),
)
_STEPS = st.lists(st.tuples(st.booleans(), _OPERATIONS), max_size=30)


class NegotiatingPeer(Peer):
    """Perfect negotiation (W3C webrtc-pc section 10.7) over a channel that keeps the order."""

    def __init__(self, number: int, *, polite: bool, policy: BundlePolicy) -> None:
        super().__init__(number, bundle_policy=policy)
        self.polite = polite
        self.inbox: deque[tuple[SdpType, str]] = deque()

    def negotiate(self, other: "NegotiatingPeer") -> None:
        if self.session.signaling_state is SignalingState.STABLE and needs_negotiation(self.session):
            other.inbox.append((SdpType.OFFER, self.offer()))

    def take(self) -> None:
        if not self.inbox:
            return
        type, text = self.inbox.popleft()
        stable = self.session.signaling_state is SignalingState.STABLE
        if type is SdpType.OFFER and not stable and not self.polite:
            return
        if type is SdpType.ANSWER and self.session.signaling_state is not SignalingState.HAVE_LOCAL_OFFER:
            return
        self.remote(type, text)

    def reply(self, other: "NegotiatingPeer") -> None:
        if self.session.signaling_state is SignalingState.HAVE_REMOTE_OFFER:
            other.inbox.append((SdpType.ANSWER, self.answer()))

    def do(self, operation: tuple[Any, ...], other: "NegotiatingPeer") -> None:
        match operation:
            case ("add", kind, direction, tracked, streamed):
                name = f"track-{self.session.session_id}-{self.session.next_transceiver}"
                self.add(
                    kind,
                    direction=direction,
                    track_id=name if tracked else None,
                    stream_ids=("s",) if streamed else (),
                    add_track=tracked,
                )
            case ("data",):
                self.session = want_data(self.session)
            case ("restart",):
                self.session = restart_ice(self.session)
            case ("offer",):
                self.negotiate(other)
            case ("deliver",):
                self.take()
            case ("answer",):
                self.reply(other)
            case (name, place, *rest) if self.session.transceivers:
                chosen = self.session.transceivers[int(place) % len(self.session.transceivers)]
                self._change(str(name), chosen.key, rest)
            case _:
                pass

    def _change(self, name: str, key: int, rest: list[Any]) -> None:
        one = self.session.transceiver(key)
        if one.stopping:
            return
        match name, rest:
            case "attach", []:
                self.session = attach_track(
                    self.session, key, f"attached-{self.session.session_id}-{key}", ()
                )
            case "direction", [direction]:
                self.session = set_direction(self.session, key, direction)
            case "streams", [streams]:
                self.session = set_streams(self.session, key, tuple(streams))
            case "preferences", [rotation]:
                codecs = [codec.format for codec in self.session.capabilities.of(one.kind)]
                chosen = codecs[rotation % len(codecs) :] + codecs[: rotation % len(codecs)]
                self.session = set_codec_preferences(self.session, key, tuple(chosen) if rotation else ())
            case "stop", []:
                self.session = stop(self.session, key)
            case _:
                raise AssertionError(name)


@settings(max_examples=300, deadline=None, derandomize=True, database=None)
@given(steps=_STEPS, policies=st.tuples(st.sampled_from(BundlePolicy), st.sampled_from(BundlePolicy)))
def test_perfect_negotiation_ends_stable_and_agreeing(
    steps: list[tuple[bool, tuple[Any, ...]]], policies: tuple[BundlePolicy, BundlePolicy]
) -> None:
    polite = NegotiatingPeer(1, polite=True, policy=policies[0])
    impolite = NegotiatingPeer(2, polite=False, policy=policies[1])
    for first, operation in steps:
        one, other = (polite, impolite) if first else (impolite, polite)
        one.do(operation, other)
        assert_consistent(one.session)
    for _ in range(_MAX_ROUNDS):
        for one, other in ((polite, impolite), (impolite, polite)) * 3:
            one.reply(other)
            while one.inbox:
                one.take()
                one.reply(other)
            assert_consistent(one.session)
        impolite.negotiate(polite)
        polite.negotiate(impolite)
        if not polite.inbox and not impolite.inbox:
            break
    assert_agree(polite.session, impolite.session)
    assert not needs_negotiation(polite.session)
    assert not needs_negotiation(impolite.session)


@settings(max_examples=200, deadline=None, derandomize=True, database=None)
@given(steps=_STEPS, policies=st.tuples(st.sampled_from(BundlePolicy), st.sampled_from(BundlePolicy)))
def test_a_rollback_leaves_no_trace(
    steps: list[tuple[bool, tuple[Any, ...]]], policies: tuple[BundlePolicy, BundlePolicy]
) -> None:
    """Of either end's offer, at any time."""
    one = NegotiatingPeer(1, polite=True, policy=policies[0])
    other = NegotiatingPeer(2, polite=False, policy=policies[1])
    for first, operation in steps:
        doer, watcher = (one, other) if first else (other, one)
        doer.do(operation, watcher)
    while one.inbox or other.inbox or SignalingState.HAVE_REMOTE_OFFER in _states(one, other):
        for doer, watcher in ((one, other), (other, one)):
            doer.take()
            doer.reply(watcher)
    assert _states(one, other) == {SignalingState.STABLE}
    before, theirs = one.session, other.session
    offer = one.offer()
    other.remote(SdpType.OFFER, offer)
    one.local(SdpType.ROLLBACK)
    other.remote(SdpType.ROLLBACK)
    assert _traces(one.session) == _traces(before)
    assert _stopped_apart(_traces(other.session)) == _stopped_apart(_traces(theirs))


def _states(*peers: NegotiatingPeer) -> set[SignalingState]:
    return {peer.session.signaling_state for peer in peers}


def _traces(session: Session) -> Session:
    """The session without what only counts on."""
    return replace(
        session,
        session_version=0,
        next_transceiver=0,
        next_transport=0,
        next_mid=0,
        numbers=(),
        extension_ids=(),
        last_offer=None,
        can_trickle=None,
    )


def _stopped_apart(session: Session) -> Session:
    """What an offer stopped stays stopped, and is as it was before otherwise."""
    return replace(
        session,
        transceivers=tuple(
            replace(
                one,
                stopped=False,
                stopping=False,
                direction=Direction.INACTIVE,
                current_direction=None,
                fired_direction=None,
                remote_stream_ids=(),
            )
            for one in session.transceivers
        ),
    )
