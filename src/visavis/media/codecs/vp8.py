"""VP8 (RFC 6386) by libvpx, set for real time."""

import ctypes
import os
import weakref
from ctypes import c_int, c_void_p
from dataclasses import dataclass
from typing import Any

import numpy as np

from visavis.media.codecs import vpx
from visavis.media.codecs.interface import EncodedFrame
from visavis.media.codecs.libraries import CodecLibraryError
from visavis.media.frames import Picture, VideoFrame

CLOCK_HZ = 90_000
"""Of every VP8 stream in RTP (RFC 7741 section 4.1)."""

MAX_SIDE = 16_383
"""14 bits (RFC 6386 section 9.1)."""

_BUFFER_OPTIMAL_MS = 600


@dataclass(frozen=True, slots=True)
class Vp8Options:
    """How to encode.

    Attributes:
        target_bps: From 30,000 on.
        frame_rate: The highest that is expected; the rate control begins with it, then follows timestamps.
        cpu_used: From -16 to 0: the lower, the less CPU, and the worse the picture.
        threads: 0 chooses by the size of the picture and the number of CPUs.
        error_resilient: Whether a frame depends less on the ones before, so that a picture recovers sooner
            from a loss, for about a tenth of the rate.
        screen_content: Whether the picture is a screen, with text.
    """

    target_bps: int = 600_000
    frame_rate: float = 30.0
    cpu_used: int = -6
    threads: int = 0
    error_resilient: bool = True
    screen_content: bool = False


class Vp8Encoder:
    """Pictures of any size in; a new size begins with a key frame."""

    def __init__(self, options: Vp8Options | None = None) -> None:
        """Raises CodecLibraryError without a libvpx that can be called."""
        self._options = options or Vp8Options()
        self._vpx = vpx.libvpx()
        self._target_bps = self._options.target_bps
        self._session: _Session | None = None
        self._force_key_frame = False
        self._closed = False

    def encode(self, frame: VideoFrame, *, force_key_frame: bool = False) -> list[EncodedFrame]:
        """Takes a picture; gives it encoded, or nothing when the rate leaves no room for it.

        Timestamps that do not rise count as a 90,000th of a second later than the one before.

        Raises:
            ValueError: The picture is wider or higher than 16,383 pixels.
        """
        if self._closed:
            raise RuntimeError("the encoder is closed")
        size = (frame.width, frame.height)
        if max(size) > MAX_SIDE:
            raise ValueError(f"VP8 has no pictures of {frame.width} x {frame.height}")
        if self._session is None or self._session.size != size:
            if self._session is not None:
                self._session.close()
            self._session = _Session(self._vpx, self._options, size, self._target_bps)
        key, self._force_key_frame = force_key_frame or self._force_key_frame, False
        return self._session.encode(frame, key)

    def set_rate(self, target_bps: int) -> None:
        """The rate from the next picture on; at least 30,000."""
        self._target_bps = max(30_000, target_bps)
        if self._session is not None:
            self._session.set_rate(self._target_bps)

    def force_key_frame(self) -> None:
        """The next picture becomes a key frame."""
        self._force_key_frame = True

    def close(self) -> None:
        """Frees it; idempotent."""
        self._closed = True
        if self._session is not None:
            self._session.close()
            self._session = None


class _Session:
    """libvpx's encoder for one size of pictures."""

    def __init__(self, library: vpx.Vpx, options: Vp8Options, size: tuple[int, int], target_bps: int) -> None:
        self.size = size
        self._vpx = library
        self._options = options
        self._functions = library.functions
        self._context = vpx.Context()
        self._config = self._configuration(target_bps)
        self._check(
            "initialize",
            self._functions.vpx_codec_enc_init_ver(
                self._context, self._functions.vpx_codec_vp8_cx(), self._config, 0, library.encoder_abi
            ),
        )
        self.close = weakref.finalize(self, self._functions.vpx_codec_destroy, self._context)
        self._image = vpx.Image()
        self._functions.vpx_img_wrap(self._image, vpx.I420, *size, 1, ctypes.addressof(self._context))
        self._begun_s: float | None = None
        self._pts = -1
        for control, value in (
            (vpx.CPU_USED, options.cpu_used),
            (vpx.NOISE_SENSITIVITY, 0),
            (vpx.STATIC_THRESHOLD, 100 if options.screen_content else 1),
            (vpx.TOKEN_PARTITIONS, 0),
            (vpx.MAX_INTRA_BITRATE_PERCENT, self._max_intra_percent()),
            (vpx.SCREEN_CONTENT, int(options.screen_content)),
        ):
            self._check(
                f"set {control}", self._functions.vpx_codec_control_(self._context, control, c_int(value))
            )

    def encode(self, frame: VideoFrame, key: bool) -> list[EncodedFrame]:
        if self._begun_s is None:
            self._begun_s = frame.timestamp_s
        pts = max(self._pts + 1, round((frame.timestamp_s - self._begun_s) * CLOCK_HZ))
        self._pts = pts
        planes = tuple(
            np.ascontiguousarray(plane) for plane in frame.i420
        )  # alive until libvpx has read them
        for number, plane in enumerate(planes):
            self._image.planes[number] = plane.ctypes.data
            self._image.stride[number] = plane.shape[1]
        self._check(
            "encode",
            self._functions.vpx_codec_encode(
                self._context,
                self._image,
                pts,
                max(1, round(CLOCK_HZ / self._options.frame_rate)),
                vpx.FORCE_KEY_FRAME if key else 0,
                vpx.REALTIME,
            ),
        )
        return self._packets(frame.timestamp_s)

    def set_rate(self, target_bps: int) -> None:
        self._config.rc_target_bitrate = max(1, target_bps // 1000)
        self._check("set the rate", self._functions.vpx_codec_enc_config_set(self._context, self._config))

    def _packets(self, timestamp_s: float) -> list[EncodedFrame]:
        position = c_void_p()
        encoded: list[EncodedFrame] = []
        while packet := self._functions.vpx_codec_get_cx_data(self._context, position):
            found = packet.contents
            if found.kind == vpx.FRAME_PACKET and found.sz:
                data = ctypes.string_at(found.buf, found.sz)
                encoded.append(EncodedFrame(data, timestamp_s, 0.0, key=bool(found.flags & vpx.FRAME_IS_KEY)))
        return encoded

    def _configuration(self, target_bps: int) -> vpx.EncoderConfig:
        """One pass, constant bitrate, no look-ahead; a second of buffer, of which half is filled first."""
        config = self._vpx.default_config()
        config.g_w, config.g_h = self.size
        config.g_threads = self._options.threads or _threads(*self.size)
        config.g_timebase.num, config.g_timebase.den = 1, CLOCK_HZ
        config.g_error_resilient = vpx.ERROR_RESILIENT if self._options.error_resilient else 0
        config.g_pass = vpx.ONE_PASS
        config.g_lag_in_frames = 0
        config.rc_end_usage = vpx.CBR
        config.rc_target_bitrate = max(1, target_bps // 1000)
        config.rc_dropframe_thresh = 30
        config.rc_resize_allowed = 0
        config.rc_min_quantizer = 12 if self._options.screen_content else 2
        config.rc_max_quantizer = 56
        config.rc_undershoot_pct = 100
        config.rc_overshoot_pct = 15
        config.rc_buf_sz = 1000
        config.rc_buf_initial_sz = 500
        config.rc_buf_optimal_sz = _BUFFER_OPTIMAL_MS
        config.kf_mode = vpx.KEY_FRAMES_BY_NEED
        config.kf_max_dist = 3000
        return config

    def _max_intra_percent(self) -> int:
        """A key frame may have half of the optimal buffer, in percent of a frame's share of the rate."""
        return max(300, round(_BUFFER_OPTIMAL_MS * self._options.frame_rate / 20))

    def _check(self, what: str, code: int) -> None:
        if code != vpx.OK:
            detail = (self._context.err_detail or b"").decode(errors="replace")
            raise RuntimeError(f"libvpx cannot {what}: {self._vpx.message(code)} {detail}".rstrip())


class Vp8Decoder:
    """Frames in, pictures out. What lies between a lost frame and the next key frame may look broken."""

    def __init__(self, *, max_pixels: int = 4096 * 2304, threads: int = 0) -> None:
        """`max_pixels`: of a picture that is still decoded. Raises CodecLibraryError without libvpx."""
        self._vpx = vpx.libvpx()
        self._functions = self._vpx.functions
        self._context = vpx.Context()
        config = vpx.DecoderConfig(threads or min(2, os.cpu_count() or 1), 0, 0)
        code = self._functions.vpx_codec_dec_init_ver(
            self._context, self._functions.vpx_codec_vp8_dx(), config, 0, self._vpx.decoder_abi
        )
        if code != vpx.OK:
            raise CodecLibraryError(f"libvpx has no VP8 decoder: {self._vpx.message(code)}")
        self._free = weakref.finalize(self, self._functions.vpx_codec_destroy, self._context)
        self._max_pixels = max_pixels
        self._errors = 0
        self._last: VideoFrame | None = None

    @property
    def errors(self) -> int:
        """How many frames could not be decoded: ask for a key frame when it rises."""
        return self._errors

    def decode_untrusted(self, data: bytes, timestamp_s: float) -> VideoFrame | None:
        """The picture, or None for a frame that is malformed, too large, or not to be shown."""
        if not self._free.alive:
            raise RuntimeError("the decoder is closed")
        if (
            not self._acceptable(data)
            or self._functions.vpx_codec_decode(self._context, data, len(data), None, 0) != vpx.OK
        ):
            self._errors += 1
            return None
        image = self._functions.vpx_codec_get_frame(self._context, c_void_p())
        if not image:
            return None
        self._last = _copy(image.contents, timestamp_s)
        return self._last

    def conceal(self, samples: int, timestamp_s: float) -> VideoFrame | None:
        """The last picture again; None before the first one."""
        return None if self._last is None else self._last.at(timestamp_s)

    def close(self) -> None:
        """Frees it; idempotent."""
        self._free()

    def _acceptable(self, data: bytes) -> bool:
        """Whether a frame may go to libvpx, which takes memory by the size that a key frame claims, and needs
        one first (RFC 6386 section 9.1)."""
        if len(data) < 3:
            return False
        if data[0] & 1:
            return self._last is not None
        size = key_frame_size_untrusted(data)
        return size is not None and 0 < size[0] * size[1] <= self._max_pixels


def key_frame_size_untrusted(data: bytes) -> tuple[int, int] | None:
    """Width and height that a key frame claims; None for what is none (RFC 6386 section 9.1)."""
    if len(data) < 10 or data[0] & 1 or data[3:6] != b"\x9d\x01\x2a":
        return None
    return int.from_bytes(data[6:8], "little") & 0x3FFF, int.from_bytes(data[8:10], "little") & 0x3FFF


def _copy(image: Any, timestamp_s: float) -> VideoFrame:
    """libvpx's picture is valid until its next call only."""
    width, height = int(image.d_w), int(image.d_h)
    chroma = (width + 1) // 2, (height + 1) // 2
    y, u, v = (
        _plane(image.planes[number], image.stride[number], *size)
        for number, size in enumerate(((width, height), chroma, chroma))
    )
    return VideoFrame((y, u, v), timestamp_s)


def _plane(address: int, stride: int, width: int, height: int) -> Picture:
    # The last row may end before its padding does.
    size = stride * (height - 1) + width
    pixels = np.ctypeslib.as_array((ctypes.c_uint8 * size).from_address(address))
    rows = np.lib.stride_tricks.as_strided(pixels, (height, width), (stride, 1), writeable=False)
    return np.array(rows, np.uint8)


def _threads(width: int, height: int) -> int:
    """Small pictures gain nothing from more; others leave a CPU for the rest."""
    cpus = os.cpu_count() or 1
    if width * height >= 1920 * 1080 and cpus > 8:
        return 8
    if width * height > 1280 * 960 and cpus >= 6:
        return 3
    return 2 if width * height >= 640 * 480 and cpus >= 3 else 1
