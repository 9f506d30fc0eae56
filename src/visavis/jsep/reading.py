"""What a description says of each m-line, with what BUNDLE and the session level say for it (RFC 8843)."""

from dataclasses import dataclass
from typing import TypeVar

from visavis.dataplane.commands import Fingerprint, Kind
from visavis.jsep.session import IceCredentials
from visavis.jsep.transport import HASHES, is_live
from visavis.sdp import (
    Candidate,
    Direction,
    Flag,
    Group,
    IceOptions,
    IcePwd,
    IceUfrag,
    MediaDescription,
    Msid,
    SessionDescription,
    Setup,
    Simulcast,
    Ssrc,
)

_PROTOCOLS = {
    "RTP/AVP",
    "RTP/AVPF",
    "RTP/SAVP",
    "RTP/SAVPF",
    "TCP/DTLS/RTP/SAVP",
    "TCP/DTLS/RTP/SAVPF",
    "UDP/TLS/RTP/SAVP",
    "UDP/TLS/RTP/SAVPF",
}
"""RFC 9429 section 5.1.2."""

_DATA_PROTOCOLS = {"UDP/DTLS/SCTP", "TCP/DTLS/SCTP"}
_KINDS = {"audio": Kind.AUDIO, "video": Kind.VIDEO}
_REVERSED = {
    Direction.SENDRECV: Direction.SENDRECV,
    Direction.SENDONLY: Direction.RECVONLY,
    Direction.RECVONLY: Direction.SENDONLY,
    Direction.INACTIVE: Direction.INACTIVE,
}

T = TypeVar("T")


def kind_of(media: MediaDescription) -> Kind | None:
    """The kind of an m-line of audio or video that a peer connection can take, None for others."""
    return _KINDS.get(media.kind) if media.protocol in _PROTOCOLS else None


def is_data(media: MediaDescription) -> bool:
    """Whether an m-line is for data channels (RFC 8841 section 4)."""
    return (
        media.kind == "application"
        and media.protocol in _DATA_PROTOCOLS
        and "webrtc-datachannel" in media.formats
    )


def reversed_direction(direction: Direction) -> Direction:
    """The same direction as the other end names it."""
    return _REVERSED[direction]


def direction_of(*, sends: bool, receives: bool) -> Direction:
    """The direction of who sends, receives, or both."""
    if sends:
        return Direction.SENDRECV if receives else Direction.SENDONLY
    return Direction.RECVONLY if receives else Direction.INACTIVE


def intersected(one: Direction, other: Direction) -> Direction:
    """What both allow (RFC 9429 section 5.3.1)."""
    return direction_of(sends=one.sends and other.sends, receives=one.receives and other.receives)


def requested_rids(media: MediaDescription) -> tuple[str, ...]:
    """The rids that an m-line asks to receive (W3C webrtc-pc section 4.4.1.5).

    Of alternatives the first, of equal ones the first.
    """
    simulcast = media.first(Simulcast)
    if simulcast is None:
        return ()
    return tuple(dict.fromkeys(alternatives[0].id for alternatives in simulcast.recv))


def sent_rids(media: MediaDescription) -> tuple[str, ...]:
    """The rids that an m-line says it sends."""
    simulcast = media.first(Simulcast)
    return () if simulcast is None else tuple(alternatives[0].id for alternatives in simulcast.send)


@dataclass(frozen=True, slots=True)
class Reading:
    """A description, its BUNDLE groups without rejected m-lines, and the tagged m-line of each mid."""

    description: SessionDescription
    groups: tuple[tuple[str, ...], ...]
    tagged: dict[str, MediaDescription]

    @property
    def media(self) -> tuple[MediaDescription, ...]:
        """The m-lines."""
        return self.description.media

    def group(self, mid: str | None) -> tuple[str, ...] | None:
        """The group that has a mid, None outside of all groups."""
        return next((group for group in self.groups if mid in group), None)

    def said(self, media: MediaDescription, kind: type[T]) -> tuple[T, ...]:
        """What an m-line says of its transport: itself, else the tagged m-line, else the session for all."""
        own = media.every(kind)
        if own:
            return own
        tagged = self.tagged.get(media.mid) if media.mid is not None else None
        return (tagged.every(kind) if tagged is not None else ()) or self.description.every(kind)

    def says(self, media: MediaDescription, flag: Flag) -> bool:
        """Whether an m-line, its tagged m-line, or the session has a flag."""
        tagged = self.tagged.get(media.mid, media) if media.mid is not None else media
        return media.has(flag) or tagged.has(flag) or self.description.has(flag)

    def credentials(self, media: MediaDescription) -> IceCredentials | None:
        """ICE credentials of an m-line, None where one of both is missing."""
        # The first ones count, and lie before what may be a thousand candidates.
        ufrag = media.first(IceUfrag) or next(iter(self.said(media, IceUfrag)), None)
        password = media.first(IcePwd) or next(iter(self.said(media, IcePwd)), None)
        return IceCredentials(ufrag.value, password.value) if ufrag and password else None

    def fingerprints(self, media: MediaDescription) -> tuple[Fingerprint, ...]:
        """Fingerprints of an m-line by hash functions that count."""
        return tuple(one for one in self.said(media, Fingerprint) if one.algorithm in HASHES)

    def setup(self, media: MediaDescription) -> Setup | None:
        """`a=setup` of an m-line."""
        setups = self.said(media, Setup)
        return setups[0] if setups else None

    def direction(self, media: MediaDescription) -> Direction:
        """The direction of an m-line: inactive where it is rejected."""
        return self.description.direction(media) if is_live(media) else Direction.INACTIVE

    @property
    def ice_lite(self) -> bool:
        """`a=ice-lite` (RFC 8839 section 5.3)."""
        return self.description.has(Flag.ICE_LITE)

    @property
    def trickle(self) -> bool:
        """Whether `a=ice-options` has `trickle` anywhere (RFC 9429 section 5.10)."""
        lines = (
            *self.description.every(IceOptions),
            *(one for m in self.media for one in m.every(IceOptions)),
        )
        return any("trickle" in line.options for line in lines)

    def stream_ids(self, media: MediaDescription, default: str) -> tuple[str, ...]:
        """The streams of the track that an m-line sends: none for `-`, the default one where none is named.

        Before RFC 8830 it was a source, and not the m-line, that named them; that counts if the m-line does
        not.
        """
        if not self.direction(media).sends:
            return ()
        named = [line.stream_id for line in media.every(Msid)] or [
            line.value.partition(" ")[0]
            for line in media.every(Ssrc)
            if line.attribute == "msid" and line.value is not None
        ]
        if not named:
            return (default,)
        return tuple(dict.fromkeys(id for id in named if id != "-"))

    def candidates(self, media: MediaDescription) -> tuple[Candidate, ...]:
        """The candidates of an m-line for RTP, which carries RTCP too."""
        return tuple(one for one in media.every(Candidate) if one.component == 1)

    def ended(self, media: MediaDescription) -> bool:
        """`a=end-of-candidates` (RFC 8840 section 8.2)."""
        return media.has(Flag.END_OF_CANDIDATES) or self.description.has(Flag.END_OF_CANDIDATES)


def read(description: SessionDescription) -> Reading:
    """Reads the BUNDLE groups of a description; an m-line is in the first group that names it."""
    by_mid = {media.mid: media for media in reversed(description.media) if is_live(media)}
    seen: set[str] = set()
    groups: list[tuple[str, ...]] = []
    for group in description.every(Group):
        if group.semantics == "BUNDLE":
            mids = tuple(mid for mid in dict.fromkeys(group.mids) if mid in by_mid and mid not in seen)
            seen.update(mids)
            if mids:
                groups.append(mids)
    tagged = {mid: by_mid[mids[0]] for mids in groups for mid in mids}
    return Reading(description, tuple(groups), tagged)
