"""Transports as descriptions open, restart, join and close them (RFC 8843, RFC 8842, RFC 8839)."""

from collections.abc import Iterable

from visavis.dataplane.commands import DtlsRole
from visavis.errors import InvalidDescriptionError
from visavis.jsep.reading import Reading
from visavis.jsep.session import Changes, Draw, IceCredentials, RemoteCandidates, Session, Transport
from visavis.jsep.transport import called, is_live
from visavis.sdp import MediaDescription, Setup
from visavis.values import replace

_ROLES = {Setup.ACTIVE: DtlsRole.SERVER, Setup.PASSIVE: DtlsRole.CLIENT}


class FreshCredentials:
    """The one pair of new credentials of an offer, drawn when it is first needed."""

    def __init__(self, draw: Draw) -> None:
        self._draw = draw
        self._drawn: IceCredentials | None = None

    def of(self, transport: int) -> IceCredentials:
        """The pair, for a transport that is new or restarts."""
        if self._drawn is None:
            self._drawn = self._draw.credentials(transport)
        return self._drawn


def answering_role(transport: Transport, reading: Reading, media: MediaDescription) -> DtlsRole:
    """Our role as answerer (RFC 8842 section 5.3): client, unless the offer or the past says otherwise."""
    setup = reading.setup(media)
    told = None if setup is None else _ROLES.get(setup)
    if told is not None:
        return told
    continues = transport.role is not None and not _is_new_association(transport, reading, media)
    return transport.role if continues and transport.role is not None else DtlsRole.CLIENT


def answering_setup(transport: Transport) -> Setup:
    """The `a=setup` that takes a transport's role."""
    return Setup.PASSIVE if transport.role is DtlsRole.SERVER else Setup.ACTIVE


def answered_role(index: int, reading: Reading, media: MediaDescription) -> DtlsRole:
    """Our role as the peer's answer leaves it; raises `InvalidDescriptionError` where it leaves none."""
    setup = reading.setup(media)
    role = None if setup is None else _ROLES.get(setup)
    if role is None:
        said = "lacks a=setup" if setup is None else f"has a=setup:{setup}"
        raise InvalidDescriptionError(
            f"{called(index, media)} {said}; an answer says active or passive (RFC 8842 section 5.3)"
        )
    return role


def lasting_role(transport: Transport, reading: Reading, media: MediaDescription) -> DtlsRole | None:
    """Our role in an association that a restart of ICE leaves as it is, whatever the answer says.

    Firefox says `active` in all answers to restarts, and means nothing by it. None: it is another one.
    """
    return None if _is_new_association(transport, reading, media) else transport.role


def _is_new_association(transport: Transport, reading: Reading, media: MediaDescription) -> bool:
    """RFC 8842 section 5.5, by the fingerprints alone: no browser sends `a=tls-id`."""
    return bool(transport.fingerprints) and transport.fingerprints != reading.fingerprints(media)


def with_remote(
    transport: Transport, index: int, reading: Reading, media: MediaDescription, role: DtlsRole
) -> Transport:
    """The transport with what the peer's m-line says of it.

    New credentials with the other role are a peer that took over without the association of the one before.
    A lite peer controls nothing (RFC 8445 section 6.1.1).

    Raises:
        InvalidDescriptionError: the roles of an association that goes on would be swapped.
    """
    credentials = reading.credentials(media)
    swapped = transport.role not in (None, role)
    renewed = _is_new_association(transport, reading, media) or (swapped and credentials != transport.remote)
    if swapped and not renewed:
        raise InvalidDescriptionError(
            f"{called(index, media)} would swap the DTLS roles of a live association (RFC 8842 section 5.5)"
        )
    return replace(
        transport,
        remote=credentials,
        remote_lite=reading.ice_lite,
        controlling=transport.controlling or reading.ice_lite,
        fingerprints=reading.fingerprints(media),
        role=role,
        association=transport.association + renewed,
    )


def merged(session: Session, transports: Iterable[Transport]) -> Session:
    """The session with transports that are new, or in the place of those with their keys."""
    by_key = {one.key: one for one in session.transports}
    by_key.update({one.key: one for one in transports})
    ordered = tuple(by_key[key] for key in sorted(by_key))
    return replace(
        session,
        transports=ordered,
        next_transport=max((session.next_transport, *(one.key + 1 for one in ordered))),
    )


def pruned(session: Session) -> Session:
    """The session without transports that no m-line uses, now or after a rollback."""
    used = _used(session)
    if session.stable is not None:
        used |= _used(session.stable)
    return replace(session, transports=tuple(one for one in session.transports if one.key in used))


def _used(session: Session) -> frozenset[int]:
    keys = [one.transport for one in session.transceivers if not one.stopped]
    return frozenset(key for key in (*keys, session.data.transport) if key is not None)


def transport_at(session: Session, index: int) -> Transport | None:
    """The transport of an m-line, None before it has one."""
    transceiver = session.transceiver_at(index)
    key = session.data.transport if session.data.m_line_index == index else None
    if transceiver is not None:
        key = transceiver.transport
    return next((one for one in session.transports if one.key == key), None)


def remote_candidates(session: Session, reading: Reading) -> tuple[RemoteCandidates, ...]:
    """The candidates of a description of the peer, for transports that know its credentials.

    Of a BUNDLE group only the tagged m-line's count (RFC 8843 section 10.1.1).
    """
    found: list[RemoteCandidates] = []
    for index, media in enumerate(reading.media):
        transport = transport_at(session, index) if is_live(media) else None
        if transport is None or transport.remote is None or transport.remote != reading.credentials(media):
            continue
        if not speaks(session, reading, media, transport):
            continue
        candidates, end = reading.candidates(media), reading.ended(media)
        if candidates or end:
            found.append(RemoteCandidates(transport.key, transport.remote.ufrag, candidates, end))
    return tuple(found)


def speaks(session: Session, reading: Reading, media: MediaDescription, transport: Transport) -> bool:
    """Whether an m-line's candidates are its transport's: not where another m-line speaks for both."""
    tagged = media if media.mid is None else reading.tagged.get(media.mid, media)
    return tagged is media or transport_at(session, reading.media.index(tagged)) != transport


def transport_changes(before: Session, after: Session, changes: Changes) -> Changes:
    """The changes with those of transports between two sessions."""
    old = {one.key: one for one in before.transports}
    new = {one.key: one for one in after.transports}
    both = [(old[key], one) for key, one in new.items() if key in old]
    return replace(
        changes,
        opened=tuple(key for key in new if key not in old),
        restarted=tuple(one.key for was, one in both if was.local != one.local),
        connected=tuple(
            one.key
            for one in new.values()
            if one.remote is not None and (one.key not in old or _remote_of(old[one.key]) != _remote_of(one))
        ),
        closed=tuple(key for key in old if key not in new),
    )


def _remote_of(transport: Transport) -> tuple[object, ...]:
    return (
        transport.remote,
        transport.controlling,
        transport.fingerprints,
        transport.role,
        transport.association,
    )
