"""Opus (RFC 6716) by libopus, as WebRTC uses it (RFC 7587, RFC 7874)."""

import ctypes
import weakref
from ctypes import POINTER, c_char_p, c_int, c_int32, c_ubyte, c_void_p
from dataclasses import dataclass, replace
from functools import cache
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from visavis.media.codecs.blocks import SoundBlocks
from visavis.media.codecs.interface import EncodedFrame
from visavis.media.codecs.libraries import CodecLibraryError, declare, load_library
from visavis.media.frames import AudioFrame

SAMPLE_RATE_HZ = 48_000
"""Of every Opus stream in RTP (RFC 7587 section 4.1)."""

FRAME_MS = (10, 20, 40, 60)
"""The durations of a packet that are offered."""

MAX_PACKET_SAMPLES = 5_760
"""120 ms (RFC 6716 section 3.2.5)."""

_MAX_PACKET_BYTES = 1_275 * 6
_APPLICATIONS = {"voip": 2048, "audio": 2049, "lowdelay": 2051}

# Requests of opus_encoder_ctl (opus_defines.h).
_SET_BITRATE = 4002
_SET_VBR = 4006
_SET_COMPLEXITY = 4010
_SET_INBAND_FEC = 4012
_SET_PACKET_LOSS_PERC = 4014
_SET_DTX = 4016
_SET_VBR_CONSTRAINT = 4020


@dataclass(frozen=True, slots=True)
class OpusOptions:
    """How to encode.

    Attributes:
        target_bps: From 6,000 to 510,000.
        channels: 1 or 2.
        frame_ms: How much sound is in a packet: 10, 20, 40 or 60.
        application: "voip" favours speech, "audio" music.
        fec: Whether a packet repeats the one before in less detail, as far as `loss_percent` makes it worth.
        dtx: Whether silence is sent as a packet each 400 ms only.
        loss_percent: What the network is expected to lose.
        complexity: From 0 to 10: better sound for more CPU.
        cbr: Whether every packet has the same size, so that sizes tell nothing about what is said.
    """

    target_bps: int = 32_000
    channels: int = 1
    frame_ms: int = 20
    application: Literal["voip", "audio", "lowdelay"] = "voip"
    fec: bool = True
    dtx: bool = False
    loss_percent: int = 10
    complexity: int = 9
    cbr: bool = False


class OpusEncoder:
    """Frames of 48 kHz and any length in, packets of `frame_ms` out."""

    def __init__(self, options: OpusOptions | None = None) -> None:
        """Raises CodecLibraryError without libopus, ValueError for options that it refuses."""
        self._options = options or OpusOptions()
        if self._options.frame_ms not in FRAME_MS:
            raise ValueError(f"a packet has {FRAME_MS} ms, not {self._options.frame_ms}")
        library = _library()
        error = c_int()
        self._state: int | None = library.opus_encoder_create(
            SAMPLE_RATE_HZ, self._options.channels, _APPLICATIONS[self._options.application], error
        )
        if not self._state:
            raise ValueError(f"libopus refuses {self._options}: {_message(error.value)}")
        self._free = weakref.finalize(self, library.opus_encoder_destroy, self._state)
        self._blocks = SoundBlocks(SAMPLE_RATE_HZ, self._options.channels, self._options.frame_ms)
        self._buffer = (c_ubyte * _MAX_PACKET_BYTES)()
        for request, value in (
            (_SET_BITRATE, self._options.target_bps),
            (_SET_VBR, int(not self._options.cbr)),
            (_SET_VBR_CONSTRAINT, 1),
            (_SET_COMPLEXITY, self._options.complexity),
            (_SET_INBAND_FEC, int(self._options.fec)),
            (_SET_PACKET_LOSS_PERC, self._options.loss_percent),
            (_SET_DTX, int(self._options.dtx)),
        ):
            self._set(request, value)

    def encode(self, frame: AudioFrame, *, force_key_frame: bool = False) -> list[EncodedFrame]:
        """Takes sound, and gives the packets that it completes. A packet of silence under DTX is left out.

        A frame that does not follow the one before (by more than half a packet) drops what waits.

        Raises:
            ValueError: The frame has not 48 kHz, or other channels than the encoder.
        """
        encoded: list[EncodedFrame] = []
        for block, begins_s in self._blocks.add(frame):
            data = self._encode_packet(block)
            if len(data) > 2:  # else DTX: not to be sent (opus_encoder.h)
                encoded.append(EncodedFrame(data, begins_s, self._blocks.duration_s, key=True))
        return encoded

    def set_rate(self, target_bps: int) -> None:
        """The rate from the next packet on, brought into what Opus can do."""
        self._set(_SET_BITRATE, max(6_000, min(510_000, target_bps)))

    def set_loss(self, loss_percent: int) -> None:
        """How much the network loses: the more, the larger a packet's share for the one before."""
        self._options = replace(self._options, loss_percent=max(0, min(100, loss_percent)))
        self._set(_SET_PACKET_LOSS_PERC, self._options.loss_percent)

    def force_key_frame(self) -> None:
        """Nothing: Opus has no key frames."""

    def close(self) -> None:
        """Frees it; idempotent."""
        self._state = None
        self._free()

    def _encode_packet(self, samples: NDArray[np.int16]) -> bytes:
        size: int = _library().opus_encode(
            self._alive(), samples.ctypes.data, len(samples), self._buffer, _MAX_PACKET_BYTES
        )
        if size < 0:
            raise RuntimeError(f"libopus cannot encode {len(samples)} samples: {_message(size)}")
        return ctypes.string_at(self._buffer, size)

    def _set(self, request: int, value: int) -> None:
        if (code := _library().opus_encoder_ctl(self._alive(), request, c_int32(value))) != 0:
            raise ValueError(f"libopus refuses {value} for request {request}: {_message(code)}")

    def _alive(self) -> int:
        if self._state is None:
            raise RuntimeError("the encoder is closed")
        return self._state


class OpusDecoder:
    """Packets in, frames of 48 kHz out."""

    def __init__(self, channels: int = 2) -> None:
        """`channels`: 1 or 2; the other kind is converted.

        Raises:
            CodecLibraryError: There is no libopus.
            ValueError: Another number of channels.
        """
        library = _library()
        error = c_int()
        self._state: int | None = library.opus_decoder_create(SAMPLE_RATE_HZ, channels, error)
        if not self._state:
            raise ValueError(f"libopus refuses {channels} channels: {_message(error.value)}")
        self._free = weakref.finalize(self, library.opus_decoder_destroy, self._state)
        self._channels = channels
        self._errors = 0

    @property
    def errors(self) -> int:
        """How many packets could not be decoded."""
        return self._errors

    def decode_untrusted(self, data: bytes, timestamp_s: float) -> AudioFrame | None:
        """The sound of a packet, or None when it is malformed."""
        return self._decode(data, MAX_PACKET_SAMPLES, timestamp_s, fec=0)

    def recover_untrusted(self, data: bytes, samples: int, timestamp_s: float) -> AudioFrame | None:
        """The lost packet before this one (RFC 6716 section 2.1.7); concealed where it has no redundancy."""
        return self._decode(data, _valid_samples(samples), timestamp_s, fec=1)

    def conceal(self, samples: int, timestamp_s: float) -> AudioFrame | None:
        """Sound that goes on from what was heard, and fades (RFC 6716 section 4.4)."""
        return self._decode(None, _valid_samples(samples), timestamp_s, fec=0)

    def close(self) -> None:
        """Frees it; idempotent."""
        self._state = None
        self._free()

    def _decode(self, data: bytes | None, samples: int, timestamp_s: float, *, fec: int) -> AudioFrame | None:
        if self._state is None:
            raise RuntimeError("the decoder is closed")
        sound = np.empty((samples, self._channels), np.int16)
        decoded = 0
        if data != b"":  # which libopus would take for a lost packet
            size = 0 if data is None else len(data)
            decoded = _library().opus_decode(self._state, data, size, sound.ctypes.data, samples, fec)
        if decoded <= 0:
            self._errors += 1
            return None
        return AudioFrame(sound[:decoded], SAMPLE_RATE_HZ, timestamp_s)


def packet_samples_untrusted(data: bytes) -> int:
    """How many samples of 48 kHz are in a packet; 0 when it is malformed (RFC 6716 section 3.1)."""
    return max(0, int(_library().opus_packet_get_nb_samples(data, len(data), SAMPLE_RATE_HZ)))


def _valid_samples(samples: int) -> int:
    """Concealment is made in steps of 2.5 ms, at most 120 ms."""
    return max(120, min(MAX_PACKET_SAMPLES, samples // 120 * 120))


def _message(code: int) -> str:
    return str(_library().opus_strerror(code).decode())


@cache
def _library() -> Any:
    """libopus, its functions declared. Its ABI has not changed since 1.0 (2012).

    Raises:
        CodecLibraryError: There is none, or it does not say that it is libopus.
    """
    library = load_library("opus")
    functions: dict[str, tuple[Any, list[Any]]] = {
        "opus_get_version_string": (c_char_p, []),
        "opus_strerror": (c_char_p, [c_int]),
        "opus_encoder_create": (c_void_p, [c_int32, c_int, c_int, POINTER(c_int)]),
        "opus_encoder_ctl": (c_int, [c_void_p, c_int]),
        "opus_encoder_destroy": (None, [c_void_p]),
        "opus_encode": (c_int32, [c_void_p, c_void_p, c_int, POINTER(c_ubyte), c_int32]),
        "opus_decoder_create": (c_void_p, [c_int32, c_int, POINTER(c_int)]),
        "opus_decoder_destroy": (None, [c_void_p]),
        "opus_decode": (c_int, [c_void_p, c_char_p, c_int32, c_void_p, c_int, c_int]),
        "opus_packet_get_nb_samples": (c_int, [c_char_p, c_int32, c_int32]),
    }
    declare(library, functions)
    version = library.opus_get_version_string() or b""
    if not version.startswith(b"libopus"):
        raise CodecLibraryError(f"what was found as libopus calls itself {version!r}; reinstall PyAV")
    return library
