"""`addIceCandidate` (webrtc-pc section 4.4.2): the steps of its operation."""

from visavis.errors import CandidateError, DOMException
from visavis.jsep import add_remote_candidate
from visavis.rtc.connection import Connection
from visavis.rtc.ice_candidate import RTCIceCandidateInit


async def add(connection: Connection, candidate: RTCIceCandidateInit) -> None:
    """Adds a candidate of the peer, or their end."""
    remote = connection.session.remote
    if remote is None:
        raise DOMException("there is no remote description yet", "InvalidStateError")
    media = remote.content.media
    index = candidate.sdpMLineIndex
    if candidate.sdpMid is not None:
        mids = [section.mid for section in media]
        if candidate.sdpMid not in mids:
            raise DOMException(f"no m-line has the mid {candidate.sdpMid!r}", "OperationError")
        index = mids.index(candidate.sdpMid)
    elif index is not None and index >= len(media):
        raise DOMException(f"there are {len(media)} m-lines, not {index + 1}", "OperationError")
    if index is not None:
        transceiver = connection.session.transceiver_at(index)
        if transceiver is not None and transceiver.stopped:
            return
    await connection.tasks.turn()
    try:
        session, found = add_remote_candidate(
            connection.session,
            candidate.candidate,
            mid=candidate.sdpMid,
            index=candidate.sdpMLineIndex,
            ufrag=candidate.usernameFragment,
        )
    except CandidateError as error:
        raise DOMException(str(error), "OperationError") from error
    connection.replace(session)
    for candidates in found:
        connection.transports.add_candidates(session, candidates)
