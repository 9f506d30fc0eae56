"""Whatever a peer describes, it gets an answer or an error that says why not."""

import random

import pytest

from tests.unit.jsep.test_accept_subscriber import CHROMIUM, FIREFOX, OFFER
from tests.unit.jsep.transports import LOCAL
from tests.unit.sdp.damage import damaged
from tests.unit.sdp.recordings import names, recorded
from visavis.errors import IncompatibleError, SdpError
from visavis.jsep import accept_subscriber, answer_publisher, read_publisher
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
