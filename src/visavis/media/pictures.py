"""Arithmetic on pictures: colour, crop and scale, done by FFmpeg's swscale, which releases the GIL."""

import numpy as np
from av import VideoFrame as FFmpegFrame
from numpy.typing import NDArray

Plane = NDArray[np.uint8]


def rgb_to_i420(rgb: Plane) -> tuple[Plane, Plane, Plane]:
    """`(height, width, 3) uint8` to Y, U, V: BT.601, limited range."""
    return _read_i420(_from_array(rgb).reformat(format="yuv420p"))


def i420_to_rgb(planes: tuple[Plane, Plane, Plane]) -> Plane:
    """Y, U, V to `(height, width, 3) uint8`."""
    height, width = planes[0].shape
    converted = _from_planes(planes).reformat(format="rgb24")
    return _rows(converted, 0, width * 3, height).reshape(height, width, 3).copy()


def crop_and_scale(planes: tuple[Plane, Plane, Plane], width: int, height: int) -> tuple[Plane, Plane, Plane]:
    """The largest part around the middle that has the new shape, at the new size."""
    old_height, old_width = planes[0].shape
    crop_width = min(old_width, max(1, round(old_height * width / height)))
    crop_height = min(old_height, max(1, round(old_width * height / width)))
    left = (old_width - crop_width) // 4 * 2
    top = (old_height - crop_height) // 4 * 2
    luma = planes[0][top : top + crop_height, left : left + crop_width]
    rows = slice(top // 2, top // 2 + (crop_height + 1) // 2)
    columns = slice(left // 2, left // 2 + (crop_width + 1) // 2)
    cropped = (luma, planes[1][rows, columns], planes[2][rows, columns])
    if (crop_width, crop_height) == (width, height):
        return cropped
    return _read_i420(_from_planes(cropped).reformat(width=width, height=height, format="yuv420p"))


def read_ffmpeg_frame(frame: FFmpegFrame) -> tuple[Plane, Plane, Plane]:
    """Y, U, V of what FFmpeg decoded, whatever its format is."""
    return _read_i420(frame if frame.format.name == "yuv420p" else frame.reformat(format="yuv420p"))


def _from_array(rgb: Plane) -> FFmpegFrame:
    height, width, _ = rgb.shape
    frame = FFmpegFrame(width, height, "rgb24")
    _rows(frame, 0, width * 3, height)[...] = rgb.reshape(height, width * 3)
    return frame


def _from_planes(planes: tuple[Plane, Plane, Plane]) -> FFmpegFrame:
    height, width = planes[0].shape
    frame = FFmpegFrame(width, height, "yuv420p")
    for number, plane in enumerate(planes):
        _rows(frame, number, plane.shape[1], plane.shape[0])[...] = plane
    return frame


def _read_i420(frame: FFmpegFrame) -> tuple[Plane, Plane, Plane]:
    chroma = (frame.width + 1) // 2, (frame.height + 1) // 2
    return (
        _rows(frame, 0, frame.width, frame.height).copy(),
        _rows(frame, 1, *chroma).copy(),
        _rows(frame, 2, *chroma).copy(),
    )


def _rows(frame: FFmpegFrame, plane: int, width_bytes: int, height: int) -> Plane:
    """A plane of FFmpeg's, without what its rows are padded with; not a copy."""
    stride = frame.planes[plane].line_size
    rows: Plane = np.frombuffer(memoryview(frame.planes[plane]), np.uint8)
    return rows[: stride * height].reshape(height, stride)[:, :width_bytes]
