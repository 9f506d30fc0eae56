"""libvpx as it is called: its structures, and the proof that the library found has them too.

libvpx numbers its ABI, refuses callers that name another number (Debian's takes lower ones too), and has
changed the tails of its structures between releases. Only their beginnings are declared here, which have been
the same since 1.8 (2019). So a library is taken when it answers to some number, and when the values that it
writes itself (its default configuration, an image it wraps) are found where these declarations say.
"""

import ctypes
from collections.abc import Callable
from ctypes import (
    POINTER,
    Structure,
    c_char_p,
    c_int,
    c_int64,
    c_long,
    c_size_t,
    c_ubyte,
    c_uint,
    c_uint32,
    c_ulong,
    c_void_p,
)
from dataclasses import dataclass
from functools import cache
from typing import Any

from visavis.media.codecs.libraries import CodecLibraryError, declare, load_library

OK = 0
ABI_MISMATCH = 3
I420 = 0x102
FRAME_PACKET = 0
FRAME_IS_KEY = 1
FORCE_KEY_FRAME = 1
REALTIME = 1
"""A deadline of 1 microsecond: the speed is `CPU_USED`'s alone."""

ERROR_RESILIENT = 1
ONE_PASS = 0
CBR = 1
KEY_FRAMES_BY_NEED = 1

# Controls of the VP8 encoder (vp8cx.h).
CPU_USED = 13
NOISE_SENSITIVITY = 15
STATIC_THRESHOLD = 17
TOKEN_PARTITIONS = 18
MAX_INTRA_BITRATE_PERCENT = 26
SCREEN_CONTENT = 31

_ABI_NUMBERS = range(5, 64)


class Context(Structure):
    """vpx_codec_ctx_t: only its size matters, and `err_detail`."""

    _fields_ = (
        ("name", c_char_p),
        ("iface", c_void_p),
        ("err", c_int),
        ("err_detail", c_char_p),
        ("init_flags", c_long),
        ("config", c_void_p),
        ("priv", c_void_p),
        ("_slack", c_ubyte * 64),
    )


class Rational(Structure):
    """vpx_rational_t."""

    _fields_ = (("num", c_int), ("den", c_int))


class FixedBuffer(Structure):
    """vpx_fixed_buf_t."""

    _fields_ = (("buf", c_void_p), ("sz", c_size_t))


class EncoderConfig(Structure):
    """vpx_codec_enc_cfg_t as far as the key frame distances; what follows is the library's."""

    _fields_ = (
        ("g_usage", c_uint),
        ("g_threads", c_uint),
        ("g_profile", c_uint),
        ("g_w", c_uint),
        ("g_h", c_uint),
        ("g_bit_depth", c_int),
        ("g_input_bit_depth", c_uint),
        ("g_timebase", Rational),
        ("g_error_resilient", c_uint32),
        ("g_pass", c_int),
        ("g_lag_in_frames", c_uint),
        ("rc_dropframe_thresh", c_uint),
        ("rc_resize_allowed", c_uint),
        ("rc_scaled_width", c_uint),
        ("rc_scaled_height", c_uint),
        ("rc_resize_up_thresh", c_uint),
        ("rc_resize_down_thresh", c_uint),
        ("rc_end_usage", c_int),
        ("rc_twopass_stats_in", FixedBuffer),
        ("rc_firstpass_mb_stats_in", FixedBuffer),
        ("rc_target_bitrate", c_uint),
        ("rc_min_quantizer", c_uint),
        ("rc_max_quantizer", c_uint),
        ("rc_undershoot_pct", c_uint),
        ("rc_overshoot_pct", c_uint),
        ("rc_buf_sz", c_uint),
        ("rc_buf_initial_sz", c_uint),
        ("rc_buf_optimal_sz", c_uint),
        ("rc_2pass_vbr_bias_pct", c_uint),
        ("rc_2pass_vbr_minsection_pct", c_uint),
        ("rc_2pass_vbr_maxsection_pct", c_uint),
        ("rc_2pass_vbr_corpus_complexity", c_uint),
        ("kf_mode", c_int),
        ("kf_min_dist", c_uint),
        ("kf_max_dist", c_uint),
        ("_slack", c_ubyte * 2048),
    )


class Image(Structure):
    """vpx_image_t."""

    _fields_ = (
        ("fmt", c_int),
        ("cs", c_int),
        ("range", c_int),
        ("w", c_uint),
        ("h", c_uint),
        ("bit_depth", c_uint),
        ("d_w", c_uint),
        ("d_h", c_uint),
        ("r_w", c_uint),
        ("r_h", c_uint),
        ("x_chroma_shift", c_uint),
        ("y_chroma_shift", c_uint),
        ("planes", c_void_p * 4),
        ("stride", c_int * 4),
        ("bps", c_int),
        ("user_priv", c_void_p),
        ("_slack", c_ubyte * 128),
    )


class Packet(Structure):
    """vpx_codec_cx_pkt_t with the frame of its union."""

    _fields_ = (
        ("kind", c_int),
        ("_alignment", c_int),
        ("buf", c_void_p),
        ("sz", c_size_t),
        ("pts", c_int64),
        ("duration", c_ulong),
        ("flags", c_uint32),
        ("partition_id", c_int),
    )


class DecoderConfig(Structure):
    """vpx_codec_dec_cfg_t."""

    _fields_ = (("threads", c_uint), ("w", c_uint), ("h", c_uint))


@dataclass(frozen=True, slots=True)
class Vpx:
    """A libvpx whose structures are those above, and the ABI numbers it answers to."""

    functions: Any
    encoder_abi: int
    decoder_abi: int

    def default_config(self) -> EncoderConfig:
        """The VP8 encoder's own. Raises CodecLibraryError when the library has no VP8 encoder."""
        config = EncoderConfig()
        code = self.functions.vpx_codec_enc_config_default(self.functions.vpx_codec_vp8_cx(), config, 0)
        if code != OK:
            raise CodecLibraryError(f"libvpx has no VP8 encoder: {self.message(code)}")
        return config

    def message(self, code: int) -> str:
        """What an error code means."""
        return str(self.functions.vpx_codec_err_to_string(code).decode())


@cache
def libvpx() -> Vpx:
    """The library, checked.

    Raises:
        CodecLibraryError: There is none, or it is not one that this module knows how to call.
    """
    functions = _declared()
    version = functions.vpx_codec_version_str().decode()
    decoder_abi = _abi_number(
        version,
        functions.vpx_codec_destroy,
        lambda context, number: functions.vpx_codec_dec_init_ver(
            context, functions.vpx_codec_vp8_dx(), None, 0, number
        ),
    )
    _check_config(functions, version)
    config = Vpx(functions, 0, decoder_abi).default_config()
    encoder_abi = _abi_number(
        version,
        functions.vpx_codec_destroy,
        lambda context, number: functions.vpx_codec_enc_init_ver(
            context, functions.vpx_codec_vp8_cx(), config, 0, number
        ),
    )
    _check_image(functions, version)
    return Vpx(functions, encoder_abi, decoder_abi)


def _declared() -> Any:
    library = load_library("vpx")
    declared: dict[str, tuple[Any, list[Any]]] = {
        "vpx_codec_version_str": (c_char_p, []),
        "vpx_codec_err_to_string": (c_char_p, [c_int]),
        "vpx_codec_vp8_cx": (c_void_p, []),
        "vpx_codec_vp8_dx": (c_void_p, []),
        "vpx_codec_enc_config_default": (c_int, [c_void_p, POINTER(EncoderConfig), c_uint]),
        "vpx_codec_enc_init_ver": (
            c_int,
            [POINTER(Context), c_void_p, POINTER(EncoderConfig), c_long, c_int],
        ),
        "vpx_codec_enc_config_set": (c_int, [POINTER(Context), POINTER(EncoderConfig)]),
        "vpx_codec_encode": (c_int, [POINTER(Context), POINTER(Image), c_int64, c_ulong, c_long, c_ulong]),
        "vpx_codec_get_cx_data": (POINTER(Packet), [POINTER(Context), POINTER(c_void_p)]),
        "vpx_codec_control_": (c_int, [POINTER(Context), c_int]),
        "vpx_codec_dec_init_ver": (
            c_int,
            [POINTER(Context), c_void_p, POINTER(DecoderConfig), c_long, c_int],
        ),
        "vpx_codec_decode": (c_int, [POINTER(Context), c_char_p, c_uint, c_void_p, c_long]),
        "vpx_codec_get_frame": (POINTER(Image), [POINTER(Context), POINTER(c_void_p)]),
        "vpx_codec_destroy": (c_int, [POINTER(Context)]),
        "vpx_img_wrap": (POINTER(Image), [POINTER(Image), c_int, c_uint, c_uint, c_uint, c_void_p]),
    }
    declare(library, declared)
    return library


def _abi_number(version: str, destroy: Callable[[Context], int], init: Callable[[Context, int], int]) -> int:
    """The first number to which the library answers otherwise than that it is not its own."""
    for number in _ABI_NUMBERS:
        context = Context()
        code = init(context, number)
        if code == OK:
            destroy(context)
        if code != ABI_MISMATCH:
            return number
    raise _unknown(version, f"no ABI number in {_ABI_NUMBERS} is its own")


def _check_config(functions: Any, version: str) -> None:
    """The VP8 encoder's defaults (vp8_cx_iface.c), the same in all releases, must be where they should."""
    config = Vpx(functions, 0, 0).default_config()
    expected = {
        "g_w": 320,
        "g_h": 240,
        "g_input_bit_depth": 8,
        "rc_target_bitrate": 256,
        "rc_min_quantizer": 4,
        "rc_max_quantizer": 63,
        "rc_undershoot_pct": 100,
        "rc_overshoot_pct": 100,
        "rc_buf_sz": 6000,
        "rc_buf_initial_sz": 4000,
        "rc_buf_optimal_sz": 5000,
        "kf_mode": KEY_FRAMES_BY_NEED,
        "kf_min_dist": 0,
        "kf_max_dist": 128,
    }
    found = {name: getattr(config, name) for name in expected}
    if found != expected or (config.g_timebase.num, config.g_timebase.den) != (1, 30):
        raise _unknown(version, f"its encoder's default configuration reads {found}")


def _check_image(functions: Any, version: str) -> None:
    image, pixels = Image(), (c_ubyte * (64 * 48 * 3 // 2))()
    address = ctypes.addressof(pixels)
    functions.vpx_img_wrap(image, I420, 64, 48, 1, address)
    found = (image.d_w, image.d_h, image.x_chroma_shift, *image.planes[:3], *image.stride[:3], image.bps)
    luma, chroma = 64 * 48, 32 * 24
    if found != (64, 48, 1, address, address + luma, address + luma + chroma, 64, 32, 32, 12):
        raise _unknown(version, f"an image that it wraps reads {found}")


def _unknown(version: str, why: str) -> CodecLibraryError:
    return CodecLibraryError(
        f"this libvpx ({version}) is not one that visavis knows how to call: {why}. "
        "Install a release of PyAV that this release of visavis was tested with."
    )
