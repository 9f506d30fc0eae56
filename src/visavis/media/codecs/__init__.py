"""Encoders and decoders, each over the library of its codec."""

from visavis.media.codecs.g711 import G711Decoder, G711Encoder, Law
from visavis.media.codecs.h264 import H264Decoder, H264Encoder, H264Options
from visavis.media.codecs.interface import AudioDecoder, Decoder, EncodedFrame, Encoder
from visavis.media.codecs.libraries import CodecLibraryError
from visavis.media.codecs.opus import OpusDecoder, OpusEncoder, OpusOptions
from visavis.media.codecs.vp8 import Vp8Decoder, Vp8Encoder, Vp8Options

__all__ = [
    "AudioDecoder",
    "CodecLibraryError",
    "Decoder",
    "EncodedFrame",
    "Encoder",
    "G711Decoder",
    "G711Encoder",
    "H264Decoder",
    "H264Encoder",
    "H264Options",
    "Law",
    "OpusDecoder",
    "OpusEncoder",
    "OpusOptions",
    "Vp8Decoder",
    "Vp8Encoder",
    "Vp8Options",
]
