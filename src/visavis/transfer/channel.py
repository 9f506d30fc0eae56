"""What a session needs of a data channel: the part of `RTCDataChannel` that sends and receives."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Protocol

from visavis.errors import DOMException, VisavisError
from visavis.transfer.messages import Bye, Message, encode

Messages = AsyncIterator[str | bytes]
"""What comes, in order; it ends when the channel is closed."""

FAREWELL_S = 3.0
HANGING_UP_S = 1.0

HIGH_WATER_BYTES = 2 << 20
"""No more waits in the channel, so that what is said meanwhile does not wait for long."""


_BYE = encode(Bye())


class ConnectionLostError(VisavisError):
    """The other end is not there any more; it may come back."""


class Channel(Protocol):
    """Ordered and reliable."""

    async def send_async(self, data: str | bytes, *, high_water_bytes: int = ...) -> None:
        """Sends a message once there is room; raises DOMException when the channel is closed."""


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


async def farewell(channel: Channel, messages: Messages) -> None:
    """Says that this was all, and waits until the other end has heard it: it says so too, or closes."""
    await last_word(channel, Bye(), messages)


async def last_word(channel: Channel, message: Message, messages: Messages) -> None:
    """Sends a message, and waits until the other end says goodbye or closes the channel."""
    try:
        await say(channel, message)
        async with asyncio.timeout(FAREWELL_S):
            async for data in messages:
                if data == _BYE:
                    return
    except (ConnectionLostError, TimeoutError):
        return


async def unless_lost(session: Awaitable[None], hang_up: Callable[[], None], *ends: Awaitable[None]) -> None:
    """Runs a session until its end.

    When one of `ends` returns before, the channel is closed by `hang_up`. The session then ends by itself,
    and is the one to know whether it was over anyway, since both ends close when one says goodbye.

    Raises:
        ConnectionLostError: It was not over.
    """
    running = asyncio.ensure_future(session)
    others = [asyncio.ensure_future(end) for end in ends]
    try:
        await asyncio.wait((running, *others), return_when=asyncio.FIRST_COMPLETED)
        if not running.done():
            hang_up()
            await asyncio.wait((running,), timeout=HANGING_UP_S)
        if not running.done():
            raise ConnectionLostError("the connection was lost")
    finally:
        for each in (running, *others):
            each.cancel()
        await asyncio.gather(running, *others, return_exceptions=True)
    running.result()
