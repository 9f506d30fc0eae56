from typing import Any

import pytest

from visavis.media.codecs import CodecLibraryError, Vp8Decoder, Vp8Encoder, libraries, vpx


class OtherLibrary:
    """libvpx, but for some functions."""

    def __init__(self, **functions: Any) -> None:
        self._real = libraries.load_library("vpx")
        self._functions = functions

    def __getattr__(self, name: str) -> Any:
        return self._functions.get(name) or getattr(self._real, name)


def load(monkeypatch: pytest.MonkeyPatch, library: OtherLibrary) -> vpx.Vpx:
    def load_library(name: str) -> OtherLibrary:
        return library

    monkeypatch.setattr(vpx, "load_library", load_library)
    return vpx.libvpx.__wrapped__()


def test_a_library_that_is_not_there_is_named_with_what_to_do() -> None:
    with pytest.raises(CodecLibraryError, match=r"libnosuchcodec was not found.*install PyAV"):
        libraries.load_library("nosuchcodec")


def test_a_function_that_is_missing_is_named() -> None:
    library = libraries.load_library("vpx")
    with pytest.raises(CodecLibraryError, match="vpx_no_such_function"):
        libraries.declare(library, {"vpx_no_such_function": (None, [])})


def test_the_library_that_is_there_is_known() -> None:
    found = vpx.libvpx()
    assert found.default_config().kf_max_dist == 128
    Vp8Encoder().close()
    Vp8Decoder().close()


def test_a_library_whose_structures_have_moved_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    def shifted(iface: Any, config: vpx.EncoderConfig, usage: int) -> int:
        config.g_w, config.g_threads = 0, 320
        return vpx.OK

    with pytest.raises(CodecLibraryError, match=r"not one that visavis knows.*g_w"):
        load(monkeypatch, OtherLibrary(vpx_codec_enc_config_default=shifted))


def test_a_library_whose_images_have_moved_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    def shifted(image: vpx.Image, *arguments: Any) -> None:
        image.w, image.d_w = 64, 0

    with pytest.raises(CodecLibraryError, match="an image"):
        load(monkeypatch, OtherLibrary(vpx_img_wrap=shifted))


def test_a_library_with_an_abi_of_its_own_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    def mismatch(*arguments: Any) -> int:
        return vpx.ABI_MISMATCH

    with pytest.raises(CodecLibraryError, match="ABI"):
        load(monkeypatch, OtherLibrary(vpx_codec_dec_init_ver=mismatch))
