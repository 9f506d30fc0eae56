"""Whatever a peer describes, it gets an answer or an error that says why not."""

import random

import pytest

from tests.unit.jsep.peers import Peer, assert_consistent
from tests.unit.jsep.test_accept_subscriber import CHROMIUM, FIREFOX, OFFER
from tests.unit.jsep.transports import LOCAL
from tests.unit.sdp.damage import damaged
from tests.unit.sdp.recordings import names, recorded
from visavis.dataplane.commands import Kind
from visavis.errors import DescriptionError, IncompatibleError, SdpError
from visavis.jsep import (
    SdpType,
    SignalingState,
    accept_subscriber,
    answer_publisher,
    read_publisher,
    want_data,
)
from visavis.sdp import SessionDescription, parse

ROUNDS = 60


def _damaged(text: str, seed: str) -> list[SessionDescription]:
    dice = random.Random(seed)
    descriptions: list[SessionDescription] = []
    for _ in range(ROUNDS):
        try:
            descriptions.append(parse(damaged(text, dice)))
        except SdpError:
            continue
    return descriptions


@pytest.mark.parametrize("name", [name for name in names() if name.endswith("-offer")])
def test_a_damaged_offer_is_answered_or_refused(name: str) -> None:
    offers = _damaged(recorded(name), name)
    assert offers
    for offer in offers:
        try:
            answer = answer_publisher(read_publisher(offer), LOCAL, session_id=1, session_version=1)
        except SdpError:
            continue
        assert parse(str(answer.description)) == answer.description
        assert len(answer.description.media) == len(offer.media)


@pytest.mark.parametrize("text", [CHROMIUM, FIREFOX], ids=["chromium", "firefox"])
def test_a_damaged_answer_is_accepted_or_refused(text: str) -> None:
    answers = [*_damaged(text, "8829"), *_damaged(text, "9429")]
    assert answers
    for answer in answers:
        try:
            accepted = accept_subscriber(OFFER, answer)
        except (SdpError, IncompatibleError):
            continue
        assert len(accepted.sections) == len(OFFER.media)


@pytest.mark.parametrize("name", [name for name in names() if name.endswith("-offer")])
def test_a_peer_connection_answers_a_damaged_offer_or_refuses_it(name: str) -> None:
    dice = random.Random(name)
    taken = 0
    for _ in range(ROUNDS):
        peer = Peer()
        before = peer.session
        try:
            peer.remote(SdpType.OFFER, damaged(recorded(name), dice))
            peer.answer()
        except (SdpError, DescriptionError):
            assert peer.session is before or peer.session.signaling_state is SignalingState.HAVE_REMOTE_OFFER
            continue
        taken += 1
        assert_consistent(peer.session)
    assert taken


def test_a_peer_connection_takes_a_damaged_answer_or_refuses_it() -> None:
    caller, callee = Peer(1), Peer(2)
    for kind in Kind:
        caller.add(kind, track_id=kind.value)
    caller.session = want_data(caller.session)
    callee.remote(SdpType.OFFER, caller.offer())
    answer, offered = callee.answer(), caller.session
    dice = random.Random(9429)
    taken = 0
    for _ in range(20 * ROUNDS):
        caller.session = offered
        try:
            caller.remote(SdpType.ANSWER, damaged(answer, dice))
        except (SdpError, DescriptionError):
            continue
        taken += 1
        assert_consistent(caller.session)
    assert taken
