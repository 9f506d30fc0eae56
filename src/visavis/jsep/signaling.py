"""The signaling states, and which description changes which (RFC 9429 section 3.2)."""

from visavis.errors import StateError
from visavis.jsep.session import SdpType, Side, SignalingState

_STATES: dict[tuple[SignalingState, Side, SdpType], SignalingState] = {
    (SignalingState.STABLE, "local", SdpType.OFFER): SignalingState.HAVE_LOCAL_OFFER,
    (SignalingState.STABLE, "remote", SdpType.OFFER): SignalingState.HAVE_REMOTE_OFFER,
    (SignalingState.HAVE_LOCAL_OFFER, "local", SdpType.OFFER): SignalingState.HAVE_LOCAL_OFFER,
    (SignalingState.HAVE_LOCAL_OFFER, "remote", SdpType.ANSWER): SignalingState.STABLE,
    (SignalingState.HAVE_LOCAL_OFFER, "remote", SdpType.PRANSWER): SignalingState.HAVE_REMOTE_PRANSWER,
    (SignalingState.HAVE_LOCAL_OFFER, "local", SdpType.ROLLBACK): SignalingState.STABLE,
    (SignalingState.HAVE_REMOTE_OFFER, "remote", SdpType.OFFER): SignalingState.HAVE_REMOTE_OFFER,
    (SignalingState.HAVE_REMOTE_OFFER, "local", SdpType.ANSWER): SignalingState.STABLE,
    (SignalingState.HAVE_REMOTE_OFFER, "local", SdpType.PRANSWER): SignalingState.HAVE_LOCAL_PRANSWER,
    (SignalingState.HAVE_REMOTE_OFFER, "remote", SdpType.ROLLBACK): SignalingState.STABLE,
    (SignalingState.HAVE_LOCAL_PRANSWER, "local", SdpType.PRANSWER): SignalingState.HAVE_LOCAL_PRANSWER,
    (SignalingState.HAVE_LOCAL_PRANSWER, "local", SdpType.ANSWER): SignalingState.STABLE,
    (SignalingState.HAVE_REMOTE_PRANSWER, "remote", SdpType.PRANSWER): SignalingState.HAVE_REMOTE_PRANSWER,
    (SignalingState.HAVE_REMOTE_PRANSWER, "remote", SdpType.ANSWER): SignalingState.STABLE,
}
"""RFC 9429 figure 2, with rollback where `roll_back` says."""


def next_state(state: SignalingState, side: Side, type: SdpType) -> SignalingState:
    """The state after a description; raises `StateError` where it has no place."""
    after = _STATES.get((state, side, type))
    if after is None:
        raise StateError(f"a {side} {type} cannot be set in the signaling state {state}")
    return after
