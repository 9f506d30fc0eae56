"""Checks of a peer's description (RFC 9429 sections 5.8.3, 5.10 and 5.11; RFC 8843, RFC 3264).

What breaks them is an `InvalidDescriptionError`, with the m-line at fault.
"""

from collections.abc import Iterable

from visavis.dataplane.commands import Extension, Fingerprint
from visavis.errors import DescriptionError, InvalidDescriptionError
from visavis.jsep.extensions import URIS
from visavis.jsep.formats import formats_of
from visavis.jsep.reading import Reading, is_data, kind_of, read
from visavis.jsep.session import Description, RtcpMuxPolicy, Session
from visavis.jsep.transport import HASHES, called, is_live
from visavis.sdp import ExtMap, Flag, MediaDescription, Msid, Setup

_MAX_MID_BYTES = 16
_MAX_FINGERPRINTS = 16
_RTCP_NUMBERS = range(64, 96)


def check_offer(session: Session, offer: Reading) -> None:
    """An offer by itself, and against what is there already (RFC 3264 section 8).

    An offer after an offer is judged as if the first one had been answered (W3C webrtc-pc section 4.4.1.5).
    """
    _check(session, offer)
    for index, media in enumerate(offer.media):
        if _is_used(media) and offer.setup(media) is Setup.HOLDCONN:
            _fail(index, media, "has a=setup:holdconn, which opens no DTLS association")
    _check_follows(session.remote, offer)
    _check_follows(session.current_local, offer)
    _check_kept_extensions(session, offer)


def _check_follows(previous: Description | None, offer: Reading) -> None:
    """No m-line vanishes, and only a rejected one becomes another (RFC 3264 section 8)."""
    if previous is None:
        return
    before = previous.content.media
    if len(offer.media) < len(before):
        raise InvalidDescriptionError(
            f"the offer has {len(offer.media)} m-lines, fewer than the {len(before)} of before (RFC 3264)"
        )
    for index, (was, media) in enumerate(zip(before, offer.media, strict=False)):
        if not is_live(was) or not is_live(media):
            continue
        if was.kind != media.kind:
            _fail(index, media, f"was {was.kind} (RFC 3264 section 8.3)")
        if None not in (was.mid, media.mid) and was.mid != media.mid:
            _fail(index, media, f"had mid {was.mid} (RFC 8843 section 7.6)")


def check_answer(session: Session, offer: Description, answer: Reading) -> None:
    """An answer by itself, and against our offer (RFC 3264 section 6)."""
    _check(session, answer)
    _check_kept_extensions(session, answer)
    if len(answer.media) != len(offer.content.media):
        raise InvalidDescriptionError(
            f"the answer has {len(answer.media)} m-lines, the offer {len(offer.content.media)} (RFC 3264)"
        )
    offered_groups = read(offer.content)
    for index, (offered, media) in enumerate(zip(offer.content.media, answer.media, strict=True)):
        if media.kind != offered.kind:
            _fail(index, media, f"is {offered.kind} in the offer")
        if media.port == 0:
            continue
        if offered.port == 0 and not offered.has(Flag.BUNDLE_ONLY):
            _fail(index, media, "was rejected by the offer (RFC 3264 section 6)")
        if None not in (media.mid, offered.mid) and media.mid != offered.mid:
            _fail(index, media, f"has mid {offered.mid} in the offer")
        if media.protocol != offered.protocol:
            _fail(index, media, f"speaks another protocol than {offered.protocol}")
        group = answer.group(media.mid)
        if group is None and offered.has(Flag.BUNDLE_ONLY):
            _fail(
                index, media, "was offered as bundle-only, and is in no BUNDLE group (RFC 8843 section 7.3)"
            )
        if group is not None and not set(group) <= set(offered_groups.group(media.mid) or ()):
            _fail(index, media, "is in a BUNDLE group that was not offered (RFC 8843 section 7.3)")


def _check(session: Session, reading: Reading) -> None:
    mids: set[str] = set()
    for index, media in enumerate(reading.media):
        if media.mid is not None:
            if media.mid in mids:
                _fail(index, media, "has the mid of an earlier m-line (RFC 5888 section 4)")
            if len(media.mid) > _MAX_MID_BYTES:
                _fail(
                    index, media, f"has a mid longer than {_MAX_MID_BYTES} characters (RFC 8285 section 4.2)"
                )
            mids.add(media.mid)
        if _is_used(media):
            _check_transport(session, reading, index, media)
        if is_live(media):
            _check_extensions(index, media)
    for group in reading.groups:
        members = [media for media in reading.media if media.mid in group]
        _check_shared_numbers(reading, members)
        _check_shared_extensions(reading, members)
    _check_msids(reading)


def _is_used(media: MediaDescription) -> bool:
    """Whether an m-line is one that a peer connection could take."""
    return is_live(media) and (is_data(media) or kind_of(media) is not None)


def _check_transport(session: Session, reading: Reading, index: int, media: MediaDescription) -> None:
    if reading.credentials(media) is None:
        _fail(index, media, "lacks a=ice-ufrag or a=ice-pwd (RFC 8839 section 5.4)")
    fingerprints = reading.said(media, Fingerprint)
    if not fingerprints:
        _fail(index, media, "lacks a=fingerprint: media is only sent over DTLS-SRTP (RFC 8827 section 6.5)")
    if len(fingerprints) > _MAX_FINGERPRINTS:
        _fail(index, media, f"has {len(fingerprints)} fingerprints, more than {_MAX_FINGERPRINTS}")
    if not reading.fingerprints(media):
        names = ", ".join(sorted({one.algorithm for one in fingerprints}))
        _fail(index, media, f"has fingerprints by {names} only, none by {', '.join(HASHES)}")
    if is_data(media):
        return
    if not reading.says(media, Flag.RTCP_MUX):
        if session.rtcp_mux_policy is RtcpMuxPolicy.REQUIRE:
            _fail(index, media, "lacks a=rtcp-mux: RTP and RTCP share one port here (RFC 5761)")
    elif any(number in _RTCP_NUMBERS for number in media.payload_types):
        _fail(index, media, "has a payload type from 64 to 95, which are RTCP's (RFC 5761 section 4)")


def _check_extensions(index: int, media: MediaDescription) -> None:
    uris: dict[int, str] = {}
    for line in media.every(ExtMap):
        if uris.setdefault(line.id, line.uri) != line.uri:
            _fail(index, media, f"has two header extensions with the id {line.id} (RFC 8285 section 5)")


def _check_kept_extensions(session: Session, reading: Reading) -> None:
    """An id keeps its header extension for the life of an m-line (RFC 8285 section 6)."""
    before = () if session.current_remote is None else session.current_remote.content.media
    for index, (was, media) in enumerate(zip(before, reading.media, strict=False)):
        if is_live(was) and is_live(media) and was.mid == media.mid:
            uris = {line.id: line.uri for line in was.every(ExtMap)}
            for line in media.every(ExtMap):
                if uris.get(line.id, line.uri) != line.uri:
                    _fail(index, media, f"gives the id {line.id} to another header extension than before")


def _check_shared_numbers(reading: Reading, members: Iterable[MediaDescription]) -> None:
    """A payload type means one format in a BUNDLE group (RFC 8843 section 9.1).

    Where both m-lines have the MID extension it may mean two: packets are told by that, and Safari does it.
    """
    meanings: dict[int, tuple[tuple[str, str, int, int], bool]] = {}
    for media in members:
        kind = kind_of(media)
        has_mid = any(line.uri == URIS[Extension.MID] for line in media.every(ExtMap))
        for format in () if kind is None else formats_of(media, kind):
            meaning = (str(kind), format.name.lower(), format.clock_hz, format.channels or 1)
            other, other_has_mid = meanings.setdefault(format.payload_type or 0, (meaning, has_mid))
            if other != meaning and not (has_mid and other_has_mid):
                index = reading.media.index(media)
                _fail(
                    index, media, f"has another format for payload type {format.payload_type} than its group"
                )


def _check_shared_extensions(reading: Reading, members: Iterable[MediaDescription]) -> None:
    """A header extension's id means one extension in a BUNDLE group (RFC 8843 section 9.1)."""
    uris: dict[int, str] = {}
    for media in members:
        for line in media.every(ExtMap):
            if uris.setdefault(line.id, line.uri) != line.uri:
                _fail(
                    reading.media.index(media),
                    media,
                    f"has another header extension for id {line.id} than its group",
                )


def _check_msids(reading: Reading) -> None:
    """One track of one stream is on one m-line (RFC 8830 section 2)."""
    seen: dict[tuple[str, str], int] = {}
    for index, media in enumerate(reading.media):
        for line in media.every(Msid) if is_live(media) else ():
            if line.track_id is not None and seen.setdefault((line.stream_id, line.track_id), index) != index:
                raise DescriptionError(
                    f"{called(index, media)} has the a=msid of an earlier m-line (RFC 8830)"
                )


def _fail(index: int, media: MediaDescription, problem: str) -> None:
    raise InvalidDescriptionError(f"{called(index, media)} {problem}")
