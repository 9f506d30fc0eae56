"""Creating an answer (RFC 9429 section 5.3)."""

from visavis.jsep.session import Draw, Session


def create_answer(session: Session, draw: Draw) -> tuple[Session, str]:
    """An answer to the pending offer of the peer: the next session, which remembers it, and its text.

    Raises:
        StateError: there is no offer of the peer to answer.
    """
    raise NotImplementedError
