"""Rolling back an offer or a provisional answer (RFC 9429 section 5.7)."""

from visavis.jsep.session import Changes, Session


def roll_back(session: Session) -> tuple[Session, Changes]:
    """The session as it was in `stable`, with what the program did to it since then.

    Raises:
        StateError: in `stable`, `have-local-pranswer`, `have-remote-pranswer` or `closed` (W3C webrtc-pc
            section 4.4.1.5 step 2).
    """
    raise NotImplementedError
