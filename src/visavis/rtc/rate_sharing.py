"""What the network carries, shared among the pictures that are sent."""

import math
from collections.abc import Sequence

from visavis.media.sending import Encoding

WANTED_BPS = 2_500_000
"""What a picture in its full size makes good use of."""

_DETAIL = 1.8
"""Half of the width has a quarter of the pixels, and needs somewhat more than a quarter of the rate."""


def share(available_bps: int, encodings: Sequence[Encoding]) -> list[int]:
    """The rate of each encoding, by its size; none for one that is not active.

    What one leaves, because its `maxBitrate` is less or since so small a picture needs no more, the others
    get.
    """
    shares = [0] * len(encodings)
    open = {place: _weight(one) for place, one in enumerate(encodings) if one.active}
    left_bps = available_bps
    while open:
        whole = sum(open.values())
        full = [
            place
            for place, weight in open.items()
            if (limit_bps := _limit_bps(encodings[place])) is not None
            and limit_bps <= left_bps * weight / whole
        ]
        if not full:
            for place, weight in open.items():
                shares[place] = int(left_bps * weight / whole)
            break
        for place in full:
            shares[place] = _limit_bps(encodings[place]) or 0
            left_bps -= shares[place]
            del open[place]
    return shares


def _weight(encoding: Encoding) -> float:
    return math.pow(max(encoding.scale_down_by, 1.0), -_DETAIL)


def _limit_bps(encoding: Encoding) -> int | None:
    """None for a picture in full size without a limit: some are large."""
    if encoding.max_bps is None and encoding.scale_down_by <= 1:
        return None
    wanted_bps = int(WANTED_BPS * _weight(encoding))
    return wanted_bps if encoding.max_bps is None else encoding.max_bps
