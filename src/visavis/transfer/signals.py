"""What a visitor and the host say by the WebSocket before they are connected: one offer, one answer.

Both are JSON: `{"type": "offer", "sdp": …}`, answered by `{"type": "answer", "sdp": …}` or
`{"type": "refused", "reason": …}`. All candidates are in the descriptions. Afterwards the WebSocket says one
thing only: who closes it is gone.
"""

import json
from typing import cast

from aiohttp import ClientWebSocketResponse, WSMessage, WSMsgType, web

from visavis.errors import RemoteProtocolError, VisavisError
from visavis.transfer.channel import ConnectionLostError

MAX_SIGNAL_BYTES = 64 * 1024

Wire = web.WebSocketResponse | ClientWebSocketResponse

_REASONS = {
    "too-many-wrong-codes": "the host takes no more codes from this network, after several wrong ones; start "
    "it again for a new code",
    "busy": "the host has as many visitors as it takes; try again when one has left",
}


class RefusedError(VisavisError):
    """The host does not want this visitor."""


def description_untrusted(frame: WSMessage, wanted: str) -> str:
    """The SDP in a frame that should hold an offer or an answer.

    Raises:
        ConnectionLostError: The WebSocket is closed.
        RefusedError: The host refuses.
        RemoteProtocolError: The frame holds something else.
    """
    if frame.type in (WSMsgType.CLOSE, WSMsgType.CLOSING, WSMsgType.CLOSED, WSMsgType.ERROR):
        raise ConnectionLostError("the other end is gone")
    try:
        value = json.loads(frame.data) if frame.type is WSMsgType.TEXT else None
    except (ValueError, RecursionError):
        value = None
    members = cast("dict[str, object]", value) if isinstance(value, dict) else {}
    if members.get("type") == "refused":
        reason = members.get("reason")
        raise RefusedError(_REASONS.get(reason if isinstance(reason, str) else "", "the host refuses"))
    sdp = members.get("sdp")
    if members.get("type") != wanted or not isinstance(sdp, str):
        raise RemoteProtocolError(f"expected an {wanted}")
    return sdp


async def until_closed(wire: Wire) -> None:
    """Returns when the WebSocket is closed; what still comes by it says nothing."""
    async for _ in wire:
        pass
