"""Whatever happens to a description on its way, reading it gives a description or an `SdpError`."""

import random

import pytest

from tests.unit.sdp.damage import CHARACTERS, damaged
from tests.unit.sdp.recordings import names, recorded
from visavis.errors import SdpError
from visavis.sdp import SessionDescription, parse

ROUNDS = 40


@pytest.mark.parametrize("name", names())
def test_a_mutated_description_is_read_or_refused(name: str) -> None:
    dice = random.Random(name)
    original = recorded(name)
    outcomes = {"read": 0, "refused": 0}
    for _ in range(ROUNDS):
        try:
            description = parse(damaged(original, dice))
        except SdpError:
            outcomes["refused"] += 1
            continue
        outcomes["read"] += 1
        assert isinstance(description, SessionDescription)
        assert parse(str(description)) == description
    assert all(outcomes.values()), outcomes


def test_noise_is_refused() -> None:
    dice = random.Random(8866)
    for _ in range(500):
        noise = "".join(dice.choices("vosmtac=\r\n" + CHARACTERS, k=dice.randint(0, 300)))
        with pytest.raises(SdpError):
            parse(noise)
