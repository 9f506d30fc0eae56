"""Remote tracks as descriptions announce and withdraw them (W3C webrtc-pc section 5.1.1)."""

from visavis.jsep.session import RemoteTrack, Transceiver
from visavis.sdp import Direction
from visavis.values import replace


def process_remote_track(
    transceiver: Transceiver, direction: Direction | None, stream_ids: tuple[str, ...]
) -> tuple[Transceiver, RemoteTrack | None]:
    """The algorithm "process remote tracks": the transceiver after it, and what became of its track.

    `direction` is ours; None is that of a transceiver that was never negotiated.
    """
    before = transceiver.remote_stream_ids
    added = tuple(one for one in stream_ids if one not in before)
    removed = tuple(one for one in before if one not in stream_ids)
    fired = transceiver.fired_direction is not None and transceiver.fired_direction.receives
    receives = direction is not None and direction.receives
    fire = (receives and not fired) or bool(added)
    mute = direction is not None and not receives and fired
    after = replace(transceiver, remote_stream_ids=stream_ids, fired_direction=direction)
    if not (added or removed or fire or mute):
        return after, None
    return after, RemoteTrack(transceiver.key, stream_ids, added, removed, fire, mute)
