"""Creating an offer (RFC 9429 section 5.2)."""

from visavis.jsep.session import Draw, Session


def create_offer(session: Session, draw: Draw, *, ice_restart: bool = False) -> tuple[Session, str]:
    """An offer of what the session is now: the next session, which remembers it, and its text.

    Nothing else changes until the text is given to `set_local`.

    Args:
        session: in any state but `closed`; W3C has `createOffer` refuse in some, which is the caller's part.
        draw: source of ICE credentials for transports that are new or restarted.
        ice_restart: the `iceRestart` option.

    Raises:
        StateError: the session is closed.
    """
    raise NotImplementedError
