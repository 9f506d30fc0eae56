"""Whatever happens to a description on its way, reading it gives a description or an `SdpError`."""

import random

import pytest
from tests.unit.sdp.recordings import names, recorded

from visavis.errors import SdpError
from visavis.sdp import SessionDescription, parse

ROUNDS = 40
CHARACTERS = "\0\r\n\t :;/=,~*-+.019azAZ\x7f\x85é٣\u2028\ud800😀"


def _mutated(text: str, dice: random.Random) -> str:
    lines = text.split("\r\n")
    for _ in range(dice.randint(1, 4)):
        place = dice.randrange(len(lines))
        line = lines[place]
        at = dice.randint(0, len(line))
        match dice.randrange(8):
            case 0:
                lines[place] = line[:at]
            case 1:
                lines[place] = line[:at] + dice.choice(CHARACTERS) + line[at:]
            case 2:
                lines[place] = line[:at] + dice.choice(CHARACTERS) + line[at + 1 :]
            case 3:
                del lines[place]
                lines = lines or [""]
            case 4:
                lines.insert(dice.randint(0, len(lines)), line)
            case 5:
                lines[place] = lines[dice.randrange(len(lines))]
            case 6:
                lines[place] = line + line[at:] * dice.randint(1, 20)
            case _:
                fields = line.split(" ")
                dice.shuffle(fields)
                lines[place] = " ".join(fields)
    return "\r\n".join(lines)


@pytest.mark.parametrize("name", names())
def test_a_mutated_description_is_read_or_refused(name: str) -> None:
    dice = random.Random(name)
    original = recorded(name)
    outcomes = {"read": 0, "refused": 0}
    for _ in range(ROUNDS):
        try:
            description = parse(_mutated(original, dice))
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
