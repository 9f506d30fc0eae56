"""Setting a remote description (RFC 9429 sections 5.6, 5.10, 5.11; W3C webrtc-pc section 4.4.1.5)."""

from visavis.jsep.session import Changes, Draw, SdpType, Session


def set_remote(session: Session, type: SdpType, text: str, draw: Draw) -> tuple[Session, Changes]:
    """Sets a description of the peer, or rolls back.

    An offer in `have-local-offer` rolls back the local one first; the `Changes` are those of both.

    Args:
        session: as it is; on an error it stays as it is.
        type: `offer`, `answer`, `pranswer`, or `rollback`, whose text is ignored.
        text: from the network.
        draw: source of the SSRCs and track ids of transceivers that the offer creates.

    Raises:
        StateError: the type does not fit the signaling state (`InvalidStateError`).
        InvalidDescriptionError: the description cannot be right (`InvalidAccessError`).
        SdpError: it is no session description; has the line (`RTCError`, `sdp-syntax-error`).
    """
    raise NotImplementedError
