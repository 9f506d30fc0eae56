"""Which formats are offered and answered, and what both ends agreed to (RFC 3264, RFC 9429)."""

from collections.abc import Iterable, Sequence

from visavis.dataplane.commands import Kind
from visavis.jsep.capabilities import CodecCapability, Format, FormatIdentity
from visavis.jsep.identity import identity
from visavis.jsep.numbers import Numbers
from visavis.sdp import Direction, Fmtp, MediaDescription, RtcpFeedback, RtpMap
from visavis.values import replace

_STATIC = {
    number: RtpMap(number, name, 8000) for number, name in ((0, "PCMU"), (8, "PCMA"), (9, "G722"), (13, "CN"))
}
"""RFC 3551 section 6: payload types of audio that need no `a=rtpmap`."""

_AUXILIARY = {"rtx", "red", "ulpfec", "flexfec-03", "telephone-event", "cn"}
"""Formats that carry no media by themselves."""


def is_media(format: Format | CodecCapability) -> bool:
    """Whether a format carries media by itself."""
    return format.name.lower() not in _AUXILIARY


def formats_of(media: MediaDescription, kind: Kind) -> tuple[Format, ...]:
    """All formats of an m-line, in its order, known or not."""
    maps: dict[int, RtpMap] = {}
    texts: dict[int, str] = {}
    feedback: dict[int | None, list[str]] = {}
    for line in media.attributes:
        match line:
            case RtpMap():
                maps.setdefault(line.payload_type, line)
            case Fmtp():
                texts.setdefault(line.payload_type, line.text)
            case RtcpFeedback():
                feedback.setdefault(line.payload_type, []).append(line.value)
            case _:
                pass
    everywhere = feedback.get(None, [])
    formats: list[Format] = []
    for number in media.payload_types:
        told = maps.get(number) or (_STATIC.get(number) if kind is Kind.AUDIO else None)
        if told is not None:
            channels = told.channels if told.channels != 1 else None
            values = (*feedback.get(number, ()), *everywhere)
            formats.append(
                Format(kind, told.name, told.clock_hz, channels, texts.get(number), number, values)
            )
    return tuple(formats)


def usable(
    codecs: Sequence[CodecCapability], direction: Direction, preferences: Sequence[Format]
) -> tuple[CodecCapability, ...]:
    """The formats for an m-line: those that go in its directions, as the program prefers them.

    Preferences that leave nothing count as none (W3C webrtc-pc section 4.4.2, "filtered codecs"). Without
    `rtx` among them, nothing is retransmitted.
    """
    fitting = [
        codec
        for codec in codecs
        if (codec.send or not direction.sends) and (codec.receive or not direction.receives)
    ]
    known = {identity(codec): codec for codec in reversed(fitting)}
    chosen = dict.fromkeys(one for one in map(identity, preferences) if one in known)
    if not chosen:
        return tuple(fitting)
    repairs = any(format.is_rtx for format in preferences)
    return tuple(known[one] if repairs else replace(known[one], rtx_payload_type=None) for one in chosen)


def in_answered_order(
    codecs: Sequence[CodecCapability], answered: Iterable[Format]
) -> tuple[CodecCapability, ...]:
    """The order of the last answer, what it did not have after that (RFC 9429 section 5.2.2)."""
    places: dict[FormatIdentity, int] = {}
    for format in answered:
        places.setdefault(identity(format), len(places))
    return tuple(sorted(codecs, key=lambda codec: places.get(identity(codec), len(places))))


def offered_formats(
    codecs: Iterable[CodecCapability], previous: Sequence[Format], numbers: Numbers
) -> tuple[Format, ...]:
    """The formats of an offered m-line; one for which there is no number left is left out."""
    formats: list[Format] = []
    for codec in codecs:
        number = numbers.give(identity(codec), codec.payload_type, previous=previous)
        if number is None:
            continue
        formats.append(replace(codec.format, payload_type=number))
        if codec.rtx_payload_type is not None:
            rtx = Format(codec.kind, "rtx", codec.clock_hz, None, f"apt={number}")
            repair = numbers.give(identity(rtx), codec.rtx_payload_type, previous=previous)
            if repair is not None:
                formats.append(replace(rtx, payload_type=repair))
    return tuple(formats)


def answered_formats(
    codecs: Sequence[CodecCapability],
    offered: Sequence[Format],
    numbers: Numbers,
    *,
    preferred: bool,
    shared: bool,
) -> tuple[Format, ...]:
    """The formats of an answered m-line: in the offer's order, or where `preferred` in the program's.

    What was not offered is left out, which RFC 3264 section 6.1 allows: a peer may take it for a mistake.
    Each has the offer's number, unless that number means something else here already; then both ends use
    numbers of their own. `shared` is whether the m-line shares its transport.
    """
    known = {identity(codec): codec for codec in codecs}
    first: dict[FormatIdentity, Format] = {}
    for format in offered:
        first.setdefault(identity(format), format)
    order = [identity(codec) for codec in codecs] if preferred else list(first)
    formats: list[Format] = []
    for wanted in order:
        codec, theirs = known.get(wanted), first.get(wanted)
        if codec is None or theirs is None or theirs.payload_type is None:
            continue
        number = numbers.take(wanted, theirs.payload_type, shared=shared)
        if number is None:
            continue
        feedback = tuple(one for one in codec.feedback if one in theirs.feedback)
        formats.append(replace(codec.format, payload_type=number, feedback=feedback))
        repair = _repair_of(offered, theirs.payload_type)
        if codec.rtx_payload_type is not None and repair is not None and repair.payload_type is not None:
            rtx = Format(codec.kind, "rtx", codec.clock_hz, None, f"apt={number}")
            own = numbers.take(identity(rtx), repair.payload_type, shared=shared)
            if own is not None:
                formats.append(replace(rtx, payload_type=own))
    return tuple(formats)


def _repair_of(formats: Iterable[Format], number: int) -> Format | None:
    return next((format for format in formats if format.is_rtx and format.repairs == number), None)


def sent_formats(
    remote: Sequence[Format], codecs: Sequence[CodecCapability], local: Sequence[Format] | None
) -> tuple[Format, ...]:
    """What we may send: the peer's formats in its order, under its numbers, with what both know of feedback.

    Where we answered, `local` is our answer, and what it left out is not sent. RTX for a format that is not
    there is ignored; RFC 9429 section 5.10 would refuse the description.
    """
    known = {identity(codec): codec for codec in codecs if codec.send}
    ours = None if local is None else {identity(format): format for format in local}
    formats: list[Format] = []
    seen: set[FormatIdentity] = set()
    for theirs in remote:
        one = identity(theirs)
        codec = known.get(one)
        if (
            codec is None
            or one in seen
            or theirs.payload_type is None
            or (ours is not None and one not in ours)
        ):
            continue
        seen.add(one)
        formats.append(replace(theirs, feedback=tuple(x for x in theirs.feedback if x in codec.feedback)))
        repair = _repair_of(remote, theirs.payload_type)
        own = None if ours is None else ours[one].payload_type
        repairs = codec.rtx_payload_type is not None and (
            local is None or (own is not None and _repair_of(local, own) is not None)
        )
        if repair is not None and repairs:
            formats.append(repair)
    return tuple(formats)


def received_formats(local: Sequence[Format], remote: Sequence[Format]) -> tuple[Format, ...]:
    """What the peer may send: our formats that its answer has, under our numbers."""
    theirs: dict[FormatIdentity, Format] = {}
    for format in remote:
        theirs.setdefault(identity(format), format)
    formats: list[Format] = []
    for ours in local:
        match = theirs.get(identity(ours))
        if ours.is_rtx or match is None or ours.payload_type is None or match.payload_type is None:
            continue
        formats.append(replace(ours, feedback=tuple(one for one in ours.feedback if one in match.feedback)))
        repair = _repair_of(local, ours.payload_type)
        if repair is not None and _repair_of(remote, match.payload_type) is not None:
            formats.append(repair)
    return tuple(formats)
