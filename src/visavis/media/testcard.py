"""The synthetic camera's picture: something that moves, and a frame counter that people and programs read."""

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from visavis.media.frames import VideoFrame

_COUNTER_BITS = 24
_CHECK_BITS = 6
_CELLS = _COUNTER_BITS + _CHECK_BITS + 2
"""The bar of cells begins with a white and a black one; white is 1."""

_WHITE, _BLACK = 235, 16

# 3 by 5 dots each, a row an octal digit.
_DIGITS = ("75557", "26227", "71747", "71717", "55711", "74717", "74757", "71111", "75757", "75717")


def draw(counter: int, width: int, height: int, timestamp_s: float) -> VideoFrame:
    """Frame `counter`: a gradient that turns, a disc that goes round, the counter as digits and as a bar.

    The same counter and size give the same picture.
    """
    y = _gradient(width, height) + np.uint8(counter * 2 % 256)
    np.bitwise_and(y, 0x7F, out=y)
    y += 48
    _draw_disc(y, counter)
    _draw_digits(y, counter)
    _draw_bar(y, counter)
    u, v = _chroma(width, height, counter // 30 % 4)
    return VideoFrame((y, u, v), timestamp_s)


def read_counter(frame: VideoFrame) -> int | None:
    """The counter that the bar of a picture shows, or None when it shows none.

    It survives compression, scaling, and cropping at the left and right by less than half a cell.
    """
    y = frame.i420[0]
    bar = y[-_bar_height(frame.height) :]
    middle = bar[len(bar) // 4 : max(len(bar) // 4 + 1, len(bar) * 3 // 4)]
    edges = _cell_edges(frame.width)
    cells = [_mean_of_middle(middle, *edge) for edge in edges]
    bits = [cell > (_WHITE + _BLACK) / 2 for cell in cells]
    if bits[:2] != [True, False]:
        return None
    value = int("".join("1" if bit else "0" for bit in bits[2:]), 2)
    counter, check = value >> _CHECK_BITS, value & ((1 << _CHECK_BITS) - 1)
    return counter if check == _check(counter) else None


def _check(counter: int) -> int:
    return (counter * 37 + 21) % 61


def _bar_height(height: int) -> int:
    return max(2, height // 16)


def _cell_edges(width: int) -> list[tuple[int, int]]:
    return [(cell * width // _CELLS, (cell + 1) * width // _CELLS) for cell in range(_CELLS)]


def _mean_of_middle(bar: NDArray[np.uint8], left: int, right: int) -> float:
    margin = (right - left) // 4
    return float(bar[:, left + margin : max(left + margin + 1, right - margin)].mean())


def _draw_bar(y: NDArray[np.uint8], counter: int) -> None:
    height, width = y.shape
    counter %= 1 << _COUNTER_BITS
    value = (0b10 << (_COUNTER_BITS + _CHECK_BITS)) | counter << _CHECK_BITS | _check(counter)
    bar = y[height - _bar_height(height) :]
    for cell, (left, right) in enumerate(_cell_edges(width)):
        bar[:, left:right] = _WHITE if value >> (_CELLS - 1 - cell) & 1 else _BLACK


def _draw_digits(y: NDArray[np.uint8], counter: int) -> None:
    dot = max(1, y.shape[0] // 60)
    top = left = 2 * dot
    for digit in str(counter):
        rows = [[int(row) >> (2 - column) & 1 for column in range(3)] for row in _DIGITS[int(digit)]]
        glyph = np.kron(np.array(rows, np.uint8), np.ones((dot, dot), np.uint8))
        area = y[top : top + 5 * dot, left : left + 3 * dot]
        area[...] = np.where(glyph[: area.shape[0], : area.shape[1]] == 1, _WHITE, _BLACK)
        left += 4 * dot


def _draw_disc(y: NDArray[np.uint8], counter: int) -> None:
    height, width = y.shape
    radius = max(1, min(width, height) // 8)
    angle = counter * 2 * np.pi / 90
    centre_x = int(width / 2 + width / 4 * np.cos(angle))
    centre_y = int(height / 2 + height / 5 * np.sin(angle))
    top, left = max(0, centre_y - radius), max(0, centre_x - radius)
    area = y[top : centre_y + radius, left : centre_x + radius]
    rows, columns = np.ogrid[top : top + area.shape[0], left : left + area.shape[1]]
    area[(rows - centre_y) ** 2 + (columns - centre_x) ** 2 < radius * radius] = _WHITE


@lru_cache(maxsize=4)
def _gradient(width: int, height: int) -> NDArray[np.uint8]:
    columns = np.arange(width, dtype=np.int64) * 128 // max(1, width)
    rows = np.arange(height, dtype=np.int64) * 64 // max(1, height)
    return (rows[:, None] + columns[None, :]).astype(np.uint8)


@lru_cache(maxsize=16)
def _chroma(width: int, height: int, phase: int) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    shape = ((height + 1) // 2, (width + 1) // 2)
    slope = (np.arange(shape[1], dtype=np.int64) * 64 // shape[1] + 96).astype(np.uint8)
    across = np.broadcast_to(slope, shape).copy()
    flat = np.full(shape, 112 + 8 * phase, np.uint8)
    return (across, flat) if phase % 2 == 0 else (flat, across)
