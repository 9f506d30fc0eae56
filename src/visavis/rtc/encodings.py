"""Encodings of a sender (webrtc-pc section 5.2): what a program may ask for, and what negotiation leaves."""

import copy
from collections.abc import Sequence

from visavis.dataplane.commands import Kind
from visavis.errors import DOMException, RangeError
from visavis.jsep import MAX_LAYERS
from visavis.rtc.parameters import (
    RTCRtpCodec,
    RTCRtpEncodingParameters,
    RTCRtpSendParameters,
    codecs_match,
)

_RID_CHARACTERS = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789")
_LONGEST_RID = 16
"""What a one-byte header extension carries (RFC 8285 section 4.2): those are what is negotiated here."""


def initial(
    requested: Sequence[RTCRtpEncodingParameters],
    kind: Kind,
    *,
    implemented: Sequence[RTCRtpCodec],
    most: int,
) -> list[RTCRtpEncodingParameters]:
    """The encodings of `addTransceiver` (section 5.1, "addTransceiver sendEncodings validation steps").

    Raises:
        TypeError: Their rids are not all there, not all different, or none by RFC 8851 section 10.
        DOMException: `OperationError`, a codec that cannot be sent.
        RangeError: A scale below 1, or a rate below 0.
    """
    encodings = [copy.deepcopy(encoding) for encoding in requested]
    rids = [encoding.rid for encoding in encodings if encoding.rid is not None]
    if any(not _is_rid(rid) for rid in rids):
        raise TypeError(f"a rid is 1 to {_LONGEST_RID} letters and digits")
    if rids and len(rids) != len(encodings):
        raise TypeError("all encodings have a rid, or none")
    if len(set(rids)) != len(rids):
        raise TypeError("two encodings have the same rid")
    for encoding in encodings:
        if encoding.codec is not None and not any(
            codecs_match(encoding.codec, codec) for codec in implemented
        ):
            raise DOMException(f"{encoding.codec.mimeType} cannot be sent", "OperationError")
    _drop_of_other_kind(encodings, kind)
    _check_scales(encodings)
    _check_rates(encodings)
    if any(encoding.scaleResolutionDownBy is not None for encoding in encodings):
        _fill_scales(encodings)
    del encodings[1 if kind is Kind.AUDIO else most :]
    if kind is Kind.VIDEO and all(encoding.scaleResolutionDownBy is None for encoding in encodings):
        _halve(encodings)
    if len(encodings) == 1:
        encodings[0].rid = None
    return encodings or [single(kind)]


def received(rids: Sequence[str], kind: Kind) -> tuple[str, ...]:
    """The simulcast streams that the peer is to be asked for; sound has none.

    Raises:
        TypeError: They are not all different, too many, or none by RFC 8851 section 10.
    """
    if any(not _is_rid(rid) for rid in rids):
        raise TypeError(f"a rid is 1 to {_LONGEST_RID} letters and digits")
    if len(set(rids)) != len(rids) or len(rids) > MAX_LAYERS:
        raise TypeError(f"simulcast is received in at most {MAX_LAYERS} streams of different rids")
    return tuple(rids) if kind is Kind.VIDEO else ()


def single(kind: Kind) -> RTCRtpEncodingParameters:
    """The encoding of a sender that was told none."""
    return RTCRtpEncodingParameters(scaleResolutionDownBy=1.0 if kind is Kind.VIDEO else None)


def renegotiated(
    encodings: list[RTCRtpEncodingParameters],
    ridless: list[RTCRtpEncodingParameters] | None,
    rids: Sequence[str | None],
    kind: Kind,
) -> list[RTCRtpEncodingParameters]:
    """The encodings once negotiation has settled `rids` (section 4.4.1.5).

    An encoding without a rid becomes as many as the peer's offer asks for; encodings that the peer does not
    name are gone; a rollback brings the one without a rid (`ridless`) back.
    """
    known = {encoding.rid: encoding for encoding in encodings}
    if tuple(rids) == (None,):
        if None in known:
            return [known[None]]
        return ridless if ridless is not None else [single(kind)]
    kept = [known[rid] for rid in rids if rid in known]
    if len(kept) == len(rids):
        return kept
    proposed = [RTCRtpEncodingParameters(rid) for rid in rids]
    _halve(proposed)
    return proposed


def check_parameters(
    parameters: RTCRtpSendParameters,
    last: RTCRtpSendParameters,
    kind: Kind,
    *,
    implemented: Sequence[RTCRtpCodec],
) -> list[RTCRtpEncodingParameters]:
    """The encodings that `setParameters` sets (section 5.2, "setParameters validation steps").

    Args:
        parameters: what the program hands over.
        last: what `getParameters` returned to it, as it was then.
        kind: of the transceiver.
        implemented: codecs to choose from until some are negotiated.

    Raises:
        DOMException: `InvalidModificationError`, something that cannot be changed was, or a codec that was
            not negotiated.
        RangeError: A scale below 1, a rate below 0.
    """
    encodings = [copy.deepcopy(encoding) for encoding in parameters.encodings]
    if [encoding.rid for encoding in encodings] != [encoding.rid for encoding in last.encodings]:
        raise DOMException(
            "encodings cannot be added, removed, reordered or renamed", "InvalidModificationError"
        )
    for name in ("transactionId", "codecs", "rtcp", "headerExtensions"):
        if getattr(parameters, name) != getattr(last, name):
            raise DOMException(f"{name} cannot be changed", "InvalidModificationError")
    choosable: Sequence[RTCRtpCodec] = parameters.codecs or implemented
    for encoding in encodings:
        if encoding.codec is not None and not any(
            codecs_match(encoding.codec, codec, ignore_asymmetrical_parameters=True) for codec in choosable
        ):
            raise DOMException(f"{encoding.codec.mimeType} was not negotiated", "InvalidModificationError")
    _drop_of_other_kind(encodings, kind)
    if kind is Kind.VIDEO:
        _fill_scales(encodings)
        _check_scales(encodings)
    _check_rates(encodings)
    return encodings


def drop_codecs_not_among(
    encodings: Sequence[RTCRtpEncodingParameters], negotiated: Sequence[RTCRtpCodec]
) -> None:
    """A codec that was asked for and is not negotiated any more is asked for no more (section 4.4.1.5)."""
    for encoding in encodings:
        if encoding.codec is not None and not any(
            codecs_match(encoding.codec, codec, ignore_asymmetrical_parameters=True) for codec in negotiated
        ):
            encoding.codec = None


def _is_rid(rid: str) -> bool:
    """RFC 8851 section 10, with the letters that RFC 8852 section 3.3 leaves."""
    return 0 < len(rid) <= _LONGEST_RID and set(rid) <= _RID_CHARACTERS


def _halve(encodings: Sequence[RTCRtpEncodingParameters]) -> None:
    for index, encoding in enumerate(encodings):
        encoding.scaleResolutionDownBy = float(1 << (len(encodings) - index - 1))


def _fill_scales(encodings: Sequence[RTCRtpEncodingParameters]) -> None:
    for encoding in encodings:
        if encoding.scaleResolutionDownBy is None:
            encoding.scaleResolutionDownBy = 1.0


def _check_scales(encodings: Sequence[RTCRtpEncodingParameters]) -> None:
    if any(
        encoding.scaleResolutionDownBy is not None and encoding.scaleResolutionDownBy < 1
        for encoding in encodings
    ):
        raise RangeError("scaleResolutionDownBy is 1 or more")


def _check_rates(encodings: Sequence[RTCRtpEncodingParameters]) -> None:
    if any(encoding.maxFramerate is not None and encoding.maxFramerate < 0 for encoding in encodings):
        raise RangeError("maxFramerate is not negative")


def _drop_of_other_kind(encodings: Sequence[RTCRtpEncodingParameters], kind: Kind) -> None:
    if kind is Kind.AUDIO:
        for encoding in encodings:
            encoding.scaleResolutionDownBy = encoding.maxFramerate = None
