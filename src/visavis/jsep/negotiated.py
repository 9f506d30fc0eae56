"""What an answer makes of m-lines, whichever end wrote it (RFC 9429 section 5.11)."""

from visavis.jsep.formats import formats_of, received_formats, sent_formats
from visavis.jsep.session import (
    Changes,
    DataSection,
    Description,
    IceCredentials,
    RemoteCandidates,
    RemoteTrack,
    Session,
    SignalingState,
    Transceiver,
)
from visavis.jsep.sources import paired_ssrcs
from visavis.jsep.transport import is_live
from visavis.jsep.transports import transport_changes
from visavis.sdp import (
    Direction,
    ExtMap,
    IcePwd,
    IceUfrag,
    MaxMessageSize,
    MediaDescription,
    SctpPort,
    SessionDescription,
)
from visavis.values import replace

_DEFAULT_MAX_MESSAGE_SIZE = 65_536
"""RFC 8841 section 6.1."""


def negotiated_transceiver(
    session: Session,
    transceiver: Transceiver,
    local: MediaDescription,
    remote: MediaDescription,
    *,
    answered_locally: bool,
) -> Transceiver:
    """Formats, header extensions and sources of a transceiver after an answer that accepts its m-line."""
    kind = transceiver.kind
    ours, theirs = formats_of(local, kind), formats_of(remote, kind)
    receives = transceiver.current_direction is not None and transceiver.current_direction.receives
    lines = {(line.id, line.uri) for line in (remote if answered_locally else local).every(ExtMap)}
    answer = local if answered_locally else remote
    return replace(
        transceiver,
        send_formats=sent_formats(theirs, session.capabilities.of(kind), ours if answered_locally else None),
        receive_formats=received_formats(ours, theirs) if receives else (),
        extensions=tuple(line for line in answer.every(ExtMap) if (line.id, line.uri) in lines),
        remote_ssrcs=paired_ssrcs(remote),
    )


def negotiated_data(data: DataSection, remote: MediaDescription) -> DataSection:
    """The data channels' m-line after an answer that accepts it; without `a=sctp-port` the port is 5000."""
    port, size = remote.first(SctpPort), remote.first(MaxMessageSize)
    return replace(
        data,
        remote_port=5000 if port is None else port.port,
        remote_max_message_size_bytes=_DEFAULT_MAX_MESSAGE_SIZE if size is None else size.size_bytes,
    )


def kept_rids(rids: tuple[str | None, ...], agreed: tuple[str, ...]) -> tuple[str | None, ...]:
    """The encodings that an answer has, in our order; only the first where it has none of several."""
    if len(rids) < 2:
        return rids
    return tuple(rid for rid in rids if rid in agreed) or rids[:1]


def stopped(transceiver: Transceiver) -> Transceiver:
    """A transceiver that is stopped for good."""
    return replace(
        transceiver, stopping=True, stopped=True, direction=Direction.INACTIVE, current_direction=None
    )


def settled(
    session: Session, local: Description, remote: Description, *, removable: frozenset[int]
) -> Session:
    """The session after the answer of an exchange: `stable`, without what it ended.

    `removable` are transceivers that leave the set when they are stopped and their m-line is rejected. One
    that was stopped before it had an m-line leaves as well: nothing else would end its need for negotiation.
    """

    def leaves(one: Transceiver) -> bool:
        if one.m_line_index is None:
            return one.stopping
        sections = (local.section(one.m_line_index), remote.section(one.m_line_index))
        rejected = any(media is not None and not is_live(media) for media in sections)
        return one.stopped and one.key in removable and rejected

    replaced = session.replaced_credentials
    return replace(
        session,
        signaling_state=SignalingState.STABLE,
        current_local=local,
        current_remote=remote,
        pending_local=None,
        pending_remote=None,
        transceivers=tuple(one for one in session.transceivers if not leaves(one)),
        replaced_credentials=replaced if replaced & credentials_in(local.content) else frozenset(),
        stable=None,
        last_offer=None,
        last_answer=None,
    )


def credentials_in(description: SessionDescription) -> frozenset[IceCredentials]:
    """All ICE credentials of one of our descriptions, which has them on its m-lines."""
    pairs = ((media.first(IceUfrag), media.first(IcePwd)) for media in description.media)
    return frozenset(
        IceCredentials(ufrag.value, password.value)
        for ufrag, password in pairs
        if ufrag is not None and password is not None
    )


def answer_changes(
    before: Session,
    after: Session,
    tracks: tuple[RemoteTrack, ...],
    candidates: tuple[RemoteCandidates, ...],
) -> Changes:
    """What an answer changed."""
    old = {one.key: one for one in before.transceivers}
    new = {one.key: one for one in after.transceivers}
    changes = Changes(
        stopped=tuple(
            key for key, one in old.items() if not one.stopped and (key not in new or new[key].stopped)
        ),
        removed=tuple(key for key in old if key not in new),
        tracks=tracks,
        encodings=tuple(key for key, one in new.items() if key in old and old[key].rids != one.rids),
        candidates=candidates,
        data_opened=after.data.negotiated and after.data != before.data,
        data_closed=before.data.m_line_index is not None and after.data.m_line_index is None,
    )
    return transport_changes(before, after, changes)
