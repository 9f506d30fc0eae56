"""The one transport of a description: BUNDLE (RFC 8843), ICE (RFC 8839) and DTLS (RFC 8842)."""

from typing import TypeVar

from visavis.dataplane.commands import DtlsRole, Fingerprint
from visavis.errors import SdpError
from visavis.jsep.model import LocalTransport, RemoteTransport
from visavis.sdp import (
    Attribute,
    Connection,
    Flag,
    IceOptions,
    IcePwd,
    IceUfrag,
    MediaDescription,
    SessionDescription,
    Setup,
)

HASHES = ("sha-256", "sha-384", "sha-512")
"""By which a certificate may be vouched for (RFC 8827 section 6.5)."""
_MAX_FINGERPRINTS = 16
ICE_OPTIONS = ("trickle", "ice2")
"""RFC 8840 section 4.1.1 and RFC 8445 section 10."""

T = TypeVar("T")


def called(index: int, media: MediaDescription) -> str:
    """How messages call an m-line: its place counted from 1, its kind and its mid."""
    mid = f"mid {media.mid}" if media.mid is not None else "no mid"
    return f"m-line {index + 1} ({media.kind}, {mid})"


def is_live(media: MediaDescription) -> bool:
    """Whether an m-line is in use: port 0 is not, unless it is bundle-only (RFC 8843 section 6)."""
    return media.port != 0 or media.has(Flag.BUNDLE_ONLY)


def bundled_media(description: SessionDescription) -> dict[str, MediaDescription]:
    """The m-lines of the BUNDLE group by mid, in its order; the first is the tagged one (RFC 8843 section 7).

    Raises:
        SdpError: no group, two m-lines with one mid, or the group names one that is stopped or missing.
    """
    by_mid: dict[str, MediaDescription] = {}
    for index, media in enumerate(description.media):
        if media.mid is not None and by_mid.setdefault(media.mid, media) is not media:
            raise SdpError(f"{called(index, media)} has the mid of an earlier m-line")
    group = description.bundle
    if group is None:
        raise SdpError("no a=group:BUNDLE: all m-lines have to share one transport here (RFC 8843)")
    for mid in group.mids:
        if mid not in by_mid:
            raise SdpError(f"a=group:BUNDLE names mid {mid}, which no m-line has")
        if not is_live(by_mid[mid]):
            raise SdpError(f"a=group:BUNDLE names mid {mid}, whose m-line has port 0 and is not bundle-only")
    return {mid: by_mid[mid] for mid in group.mids}


def check_rtcp_mux(description: SessionDescription, bundled: dict[str, MediaDescription]) -> None:
    """RFC 8829 section 4.1.1, policy `require`; the tagged m-line speaks for all (RFC 8843 section 7.1.3)."""
    tagged = next(iter(bundled.values()), None)
    for index, media in enumerate(description.media):
        in_use = media.mid in bundled and media.kind in ("audio", "video")
        if in_use and not any(one is not None and one.has(Flag.RTCP_MUX) for one in (media, tagged)):
            raise SdpError(
                f"{called(index, media)} lacks a=rtcp-mux: RTP and RTCP share one port here (RFC 5761)"
            )


def _said(description: SessionDescription, media: MediaDescription, kind: type[T]) -> tuple[T, ...]:
    """What an m-line says of its transport: itself, else the tagged m-line, else the session for all."""
    group = description.bundle
    tagged = next(
        (one for one in description.media if group and group.mids and one.mid == group.mids[0]), media
    )
    return media.every(kind) or tagged.every(kind) or description.every(kind)


def remote_transport(
    description: SessionDescription, media: MediaDescription, established: DtlsRole | None = None
) -> RemoteTransport:
    """The transport that the peer describes for an m-line of its BUNDLE group.

    `established` is our DTLS role where there is an association: it does not change (RFC 8842 section 5.5).

    Raises:
        SdpError: names the attribute that is missing or impossible.
    """
    where = called(description.media.index(media), media)
    ufrags = _said(description, media, IceUfrag)
    passwords = _said(description, media, IcePwd)
    if not ufrags or not passwords:
        raise SdpError(f"{where} lacks a={'ice-pwd' if ufrags else 'ice-ufrag'} (RFC 8839 section 5.4)")
    return RemoteTransport(
        ufrag=ufrags[0].value,
        password=passwords[0].value,
        fingerprints=_fingerprints(where, _said(description, media, Fingerprint)),
        role=_our_role(where, _said(description, media, Setup), established),
    )


def _fingerprints(where: str, fingerprints: tuple[Fingerprint, ...]) -> tuple[Fingerprint, ...]:
    if not fingerprints:
        raise SdpError(
            f"{where} lacks a=fingerprint: media is only sent over DTLS-SRTP (RFC 8827 section 6.5)"
        )
    if len(fingerprints) > _MAX_FINGERPRINTS:
        raise SdpError(f"{where} has {len(fingerprints)} fingerprints, more than {_MAX_FINGERPRINTS}")
    usable = tuple(one for one in fingerprints if one.algorithm in HASHES)
    if not usable:
        names = ", ".join(sorted({one.algorithm for one in fingerprints}))
        raise SdpError(f"{where} has fingerprints by {names} only, none by {', '.join(HASHES)}")
    return usable


def _our_role(where: str, setups: tuple[Setup, ...], established: DtlsRole | None) -> DtlsRole:
    if not setups:
        raise SdpError(f"{where} lacks a=setup (RFC 8842 section 5)")
    match setups[0]:
        case Setup.ACTPASS:
            return established or DtlsRole.SERVER
        case Setup.ACTIVE:
            role = DtlsRole.SERVER
        case Setup.PASSIVE:
            role = DtlsRole.CLIENT
        case Setup.HOLDCONN:
            raise SdpError(f"{where} has a=setup:holdconn, which opens no DTLS association")
    if established not in (None, role):
        raise SdpError(
            f"{where} has a=setup:{setups[0]}, which would swap the DTLS roles of a live association"
        )
    return role


def session_attributes(
    local: LocalTransport, setup: Setup, options: tuple[str, ...]
) -> tuple[Attribute, ...]:
    """Our transport, said once for all m-lines (RFC 8839 section 5, RFC 8122 section 5, RFC 8842 section 5).

    RFC 8843 section 7.1.3 would have it on the tagged m-line alone, which browsers do not take: without
    credentials on the others, Firefox refuses the description, Chromium all m-lines but the first of a kind.
    """
    return (
        *((Flag.ICE_LITE,) if local.ice_lite else ()),
        *((IceOptions(options),) if options else ()),
        IceUfrag(local.ufrag),
        IcePwd(local.password),
        local.fingerprint,
        setup,
    )


def candidate_attributes(local: LocalTransport) -> tuple[Attribute, ...]:
    """Our candidates, all of them, for the tagged m-line (RFC 8843 section 10.1.1)."""
    return (*local.candidates, Flag.END_OF_CANDIDATES)


def default_destination(local: LocalTransport) -> tuple[int, Connection]:
    """Port and `c=` of all m-lines: the default candidate (RFC 8839 section 4.2.1.2), or port 9 nowhere."""
    usable = [one for one in local.candidates if one.component == 1 and one.transport.lower() == "udp"]
    usable.sort(key=lambda one: ":" in one.address)
    if not usable:
        return 9, Connection()
    first = usable[0]
    return first.port, Connection(first.address, "IP6" if ":" in first.address else "IP4")
