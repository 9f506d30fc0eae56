"""Setting a local description (RFC 9429 sections 5.5, 5.9, 5.11; W3C webrtc-pc section 4.4.1.5)."""

from visavis.jsep.session import Changes, SdpType, Session


def set_local(session: Session, type: SdpType, text: str) -> tuple[Session, Changes]:
    """Sets what `create_offer` or `create_answer` made, or rolls back.

    Args:
        session: as it is.
        type: `offer`, `answer`, `pranswer`, or `rollback`, whose text is ignored.
        text: exactly that of the last created offer or answer.

    Raises:
        StateError: the type does not fit the signaling state (`InvalidStateError`).
        ModifiedDescriptionError: the text is not the one last created (`InvalidModificationError`).
    """
    raise NotImplementedError
