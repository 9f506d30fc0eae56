"""What can happen to a description on its way."""

import random

CHARACTERS = "\0\r\n\t :;/=,~*-+.019azAZ\x7f\x85é٣\u2028\ud800😀"


def damaged(text: str, dice: random.Random) -> str:
    """The text with one to four lines cut, changed, lost, repeated, swapped or shuffled."""
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
