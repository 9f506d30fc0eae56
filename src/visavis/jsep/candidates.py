"""Trickled candidates, and the descriptions that they become part of (RFC 8840, RFC 9429 section 4.1.19)."""

from collections.abc import Iterable

from visavis.errors import CandidateError, SdpError
from visavis.jsep.reading import Reading, read
from visavis.jsep.sections import destination
from visavis.jsep.session import Description, RemoteCandidates, Session, Transport
from visavis.jsep.transport import is_live
from visavis.jsep.transports import speaks, transport_at
from visavis.sdp import MAX_CANDIDATES, Attribute, Candidate, Flag, IceUfrag, parse_candidate
from visavis.values import replace


def add_local_candidate(session: Session, transport: int, candidate: Candidate) -> Session:
    """A candidate of ours was found: it is in `local` and in later offers and answers.

    A transport that is not open (any more) changes nothing.
    """
    one = next((one for one in session.transports if one.key == transport), None)
    if one is None:
        return session
    return _told(session, replace(one, candidates=(*one.candidates, candidate)), candidate)


def end_local_candidates(session: Session, transport: int) -> Session:
    """Gathering for a transport is complete: `a=end-of-candidates`."""
    one = next((one for one in session.transports if one.key == transport), None)
    if one is None or one.gathered:
        return session
    return _told(session, replace(one, gathered=True), Flag.END_OF_CANDIDATES)


def _told(session: Session, transport: Transport, line: Attribute) -> Session:
    """The session with a transport as it is now, and a line more in our descriptions."""
    return replace(
        session,
        transports=tuple(transport if one.key == transport.key else one for one in session.transports),
        pending_local=_with_local(session, session.pending_local, transport, line),
        current_local=_with_local(session, session.current_local, transport, line),
    )


def _with_local(
    session: Session, description: Description | None, transport: Transport, line: Attribute
) -> Description | None:
    """Our description with a line more on the first m-line of a transport, and its default address."""
    if description is None:
        return None
    places = [
        index
        for index, media in enumerate(description.content.media)
        if (at := transport_at(session, index)) is not None
        and at.key == transport.key
        and media.first(IceUfrag) == IceUfrag(transport.local.ufrag)
    ]
    if not places:
        return description
    port, connection = destination(transport.candidates)
    media = list(description.content.media)
    for index in places:
        one = media[index]
        attributes = (*one.attributes, line) if index == places[0] else one.attributes
        if one.port:
            media[index] = replace(one, attributes=attributes, port=port, connection=connection)
        else:
            media[index] = replace(one, attributes=attributes)
    return Description(description.type, replace(description.content, media=tuple(media)))


def add_remote_candidate(
    session: Session, candidate: str, *, mid: str | None, index: int | None, ufrag: str | None
) -> tuple[Session, tuple[RemoteCandidates, ...]]:
    """`addIceCandidate` (W3C webrtc-pc section 4.4.2), the part after its checks of states.

    Args:
        session: with a remote description.
        candidate: `candidate:...`, or empty for the end of candidates.
        mid: `sdpMid`.
        index: `sdpMLineIndex`, used where `mid` is None; without both an end of candidates is all m-lines'.
        ufrag: `usernameFragment`, None for that of the m-line's last description.

    Returns:
        The session with the candidate in its remote description, and what to give to ICE: nothing where the
        transport is not connected yet; `Changes.candidates` of `set_local` has it then.

    Raises:
        CandidateError: no such m-line or generation, no candidate, or too many (`OperationError`).
    """
    remote = session.remote
    if remote is None:
        raise CandidateError("there is no remote description that the candidate could belong to")
    places = _places(remote, mid, index)
    line: Attribute = Flag.END_OF_CANDIDATES if candidate == "" else _parsed_untrusted(candidate)
    told: list[RemoteCandidates] = []
    for place in places:
        transceiver = session.transceiver_at(place)
        if transceiver is None or not transceiver.stopped:
            session, given = _add(session, place, line, ufrag)
            told.extend(given)
    return session, tuple(told)


def _parsed_untrusted(text: str) -> Candidate:
    try:
        return parse_candidate(text)
    except SdpError as error:
        raise CandidateError(str(error)) from None


def _places(remote: Description, mid: str | None, index: int | None) -> Iterable[int]:
    media = remote.content.media
    if mid is not None:
        place = next((place for place, one in enumerate(media) if one.mid == mid), None)
        if place is None:
            raise CandidateError(f"no m-line of the remote description has mid {mid!r}")
        return (place,)
    if index is None:
        return range(len(media))
    if not 0 <= index < len(media):
        raise CandidateError(f"the remote description has {len(media)} m-lines, none with index {index}")
    return (index,)


def _add(
    session: Session, place: int, line: Attribute, ufrag: str | None
) -> tuple[Session, tuple[RemoteCandidates, ...]]:
    pending, current = session.pending_remote, session.current_remote
    readings = {key: read(one.content) for key, one in (("p", pending), ("c", current)) if one is not None}
    ufrags = {key: _ufrag(reading, place) for key, reading in readings.items()}
    wanted = ufrag if ufrag is not None else next(iter(ufrags.values()))
    if ufrag is not None and ufrag not in ufrags.values():
        raise CandidateError(f"the remote description has no ICE user name fragment {ufrag!r} on that m-line")
    if wanted is None:
        return session, ()
    session = replace(
        session,
        pending_remote=_with_remote(pending, place, line) if ufrags.get("p") == wanted else pending,
        current_remote=_with_remote(current, place, line) if ufrags.get("c") == wanted else current,
    )
    transport = transport_at(session, place)
    if transport is None or transport.remote is None or transport.remote.ufrag != wanted:
        return session, ()
    reading = next(one for key, one in readings.items() if ufrags[key] == wanted)
    if not speaks(session, reading, reading.media[place], transport):
        return session, ()
    if isinstance(line, Candidate):
        usable = (line,) if line.component == 1 else ()
        return session, (RemoteCandidates(transport.key, wanted, usable),) if usable else ()
    return session, (RemoteCandidates(transport.key, wanted, end=True),)


def _ufrag(reading: Reading, place: int) -> str | None:
    if place >= len(reading.media) or not is_live(reading.media[place]):
        return None
    credentials = reading.credentials(reading.media[place])
    return None if credentials is None else credentials.ufrag


def _with_remote(description: Description | None, place: int, line: Attribute) -> Description | None:
    if description is None:
        return None
    media = list(description.content.media)
    attributes = media[place].attributes
    if line is Flag.END_OF_CANDIDATES and media[place].has(Flag.END_OF_CANDIDATES):
        return description
    if len(attributes) >= MAX_CANDIDATES <= len(media[place].every(Candidate)):
        raise CandidateError(f"the m-line has {MAX_CANDIDATES:,} candidates already")
    media[place] = replace(media[place], attributes=(*attributes, line))
    return Description(description.type, replace(description.content, media=tuple(media)))
