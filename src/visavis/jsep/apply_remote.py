"""Setting a remote description (RFC 9429 sections 5.6 and 5.10, W3C webrtc-pc section 4.4.1.5)."""

from visavis.jsep.apply_remote_answer import apply_remote_answer
from visavis.jsep.apply_remote_offer import apply_remote_offer
from visavis.jsep.rollback import roll_back
from visavis.jsep.session import Changes, Draw, SdpType, Session, SignalingState
from visavis.jsep.signaling import next_state
from visavis.sdp import parse
from visavis.values import replace

MAX_DESCRIPTION_BYTES = 1 << 20
"""What is larger is refused unread."""


def set_remote(session: Session, type: SdpType, text: str, draw: Draw) -> tuple[Session, Changes]:
    """Sets a description of the peer, or rolls back.

    An offer in `have-local-offer` rolls back the local one first; the `Changes` are those of both. Who has to
    show `stable` between the two (W3C webrtc-pc section 4.4.2) calls `roll_back` before.

    Args:
        session: as it is; on an error it stays as it is.
        type: `offer`, `answer`, `pranswer`, or `rollback`, whose text is ignored.
        text: from the network.
        draw: source of the SSRCs and track ids of transceivers that the offer creates.

    Raises:
        StateError: the type does not fit the signaling state (`InvalidStateError`).
        InvalidDescriptionError: the description cannot be right (`InvalidAccessError`).
        SdpError: it is no session description; has the line (`RTCError`, `sdp-syntax-error`).
        DescriptionError: it cannot be applied (`OperationError`).
    """
    if type is SdpType.ROLLBACK:
        return roll_back(session, "remote")
    if type is SdpType.OFFER and session.signaling_state is SignalingState.HAVE_LOCAL_OFFER:
        rolled_back, undone = roll_back(session, "local")
        after, changes = set_remote(rolled_back, type, text, draw)
        return after, _both(undone, changes)
    state = next_state(session.signaling_state, "remote", type)
    content = parse(text, MAX_DESCRIPTION_BYTES)
    if type is SdpType.OFFER:
        return apply_remote_offer(session, content, text, state, draw)
    return apply_remote_answer(session, type, content, text, state)


def _both(first: Changes, second: Changes) -> Changes:
    """The changes of a rollback and of the offer after it, which opens and connects nothing."""
    return replace(
        second,
        restarted=first.restarted,
        connected=first.connected,
        closed=first.closed,
        data_closed=first.data_closed,
    )
