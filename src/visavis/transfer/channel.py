"""What a session needs of a data channel: the part of `RTCDataChannel` that sends and receives."""

import asyncio
from collections.abc import AsyncIterator, Awaitable
from typing import Protocol

from visavis.errors import DOMException, VisavisError
from visavis.transfer.messages import Bye, Message, encode

Messages = AsyncIterator[str | bytes]
"""What comes, in order; it ends when the channel is closed."""

FAREWELL_S = 3.0

HIGH_WATER_BYTES = 2 << 20
"""No more waits in the channel, so that what is said meanwhile does not wait for long."""


class ConnectionLostError(VisavisError):
    """The other end is not there any more; it may come back."""


class Channel(Protocol):
    """Ordered and reliable."""

    async def send_async(self, data: str | bytes, *, high_water_bytes: int = ...) -> None:
        """Sends a message once there is room; raises DOMException when the channel is closed."""

    async def closed(self) -> None:
        """Returns when the channel is closed."""


async def say(channel: Channel, message: Message) -> None:
    """Sends a message.

    Raises:
        ConnectionLostError: The channel is closed.
    """
    await send(channel, encode(message))


async def send(channel: Channel, data: str | bytes) -> None:
    """Sends text or bytes.

    Raises:
        ConnectionLostError: The channel is closed.
    """
    try:
        await channel.send_async(data, high_water_bytes=HIGH_WATER_BYTES)
    except DOMException:
        raise ConnectionLostError("the connection was lost") from None


async def farewell(channel: Channel) -> None:
    """Says that this was all, and waits until the other end has heard it, for which it closes the channel."""
    await last_word(channel, Bye())


async def last_word(channel: Channel, message: Message) -> None:
    """Sends a message, and waits until the other end has heard it, for which it closes the channel."""
    try:
        await say(channel, message)
        async with asyncio.timeout(FAREWELL_S):
            await channel.closed()
    except (ConnectionLostError, TimeoutError):
        return


async def unless_lost(session: Awaitable[None], *ends: Awaitable[None]) -> None:
    """Runs a session until its end.

    Raises:
        ConnectionLostError: One of `ends` returned before; the session is cancelled.
    """
    running = asyncio.ensure_future(session)
    others = [asyncio.ensure_future(end) for end in ends]
    try:
        await asyncio.wait((running, *others), return_when=asyncio.FIRST_COMPLETED)
        if not running.done():
            raise ConnectionLostError("the connection was lost")
    finally:
        for each in (running, *others):
            each.cancel()
        await asyncio.gather(running, *others, return_exceptions=True)
    running.result()
