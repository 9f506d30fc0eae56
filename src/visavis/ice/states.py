"""The states that W3C gives an ICE transport, derived from what is known (webrtc-pc section 5.6)."""

from dataclasses import dataclass
from enum import Enum, StrEnum, auto


class IceState(StrEnum):
    """RTCIceTransportState."""

    NEW = "new"
    CHECKING = "checking"
    CONNECTED = "connected"
    COMPLETED = "completed"
    DISCONNECTED = "disconnected"
    FAILED = "failed"
    CLOSED = "closed"


class GatheringState(StrEnum):
    """RTCIceGathererState."""

    NEW = "new"
    GATHERING = "gathering"
    COMPLETE = "complete"


class Connection(Enum):
    """What the selected pair does."""

    NONE = auto()
    """None is selected."""
    UP = auto()
    SILENT = auto()
    """The peer has not answered for some seconds."""
    LOST = auto()
    """Consent has expired (RFC 7675), or none of the pairs is left."""


@dataclass(slots=True)
class Knowledge:
    """What the state follows from; `open_pairs` are those whose check has not ended, and `selected_now` says
    that the selected pair is of this generation."""

    closed: bool
    restarted: bool
    started: bool
    connection: Connection
    selected_now: bool
    locals_gathered: bool
    local_candidates: int
    remotes_ended: bool
    remote_candidates: int
    open_pairs: int
    failed_pairs: int
    patience_over: bool


def ice_state(known: Knowledge) -> IceState:
    """The state; RFC 8863 section 4 forbids `failed` before the PAC timer, which also stands in for an
    end-of-candidates that never comes (section 5)."""
    if known.closed:
        return IceState.CLOSED
    match known.connection:
        case Connection.UP:
            gathered = known.locals_gathered and known.remotes_ended
            finished = gathered and known.selected_now and not known.open_pairs
            return IceState.COMPLETED if finished else IceState.CONNECTED
        case Connection.SILENT:
            return IceState.DISCONNECTED
        case Connection.LOST:
            return IceState.FAILED
        case Connection.NONE:
            return _unconnected(known)


def _unconnected(known: Knowledge) -> IceState:
    beginning = IceState.CHECKING if known.restarted else IceState.NEW
    if not known.started:
        return beginning
    if known.open_pairs:
        return IceState.CHECKING
    if known.patience_over:
        return IceState.FAILED
    if known.locals_gathered and known.remotes_ended:
        return IceState.CHECKING if known.local_candidates else IceState.FAILED
    if not known.remote_candidates:
        return beginning
    return IceState.DISCONNECTED if known.failed_pairs else IceState.CHECKING
