"""The first words on the channel: each end proves that it knows the secret, before anything else is said."""

import asyncio

from visavis.errors import RemoteProtocolError, VisavisError
from visavis.transfer.channel import Channel, ConnectionLostError, Messages, last_word, say
from visavis.transfer.messages import Direction, Hello, Message, Refused, Welcome, parse_untrusted
from visavis.transfer.proof import Role, fingerprints_untrusted, is_proof, proof

PROOF_S = 20.0
"""Who has not proved to know the secret by then does not know it."""


class WrongCodeError(VisavisError):
    """The other end does not share our secret."""


async def admit(
    channel: Channel, messages: Messages, secret: str, direction: Direction, sdps: tuple[str, str]
) -> str:
    """The host's part: returns the name by which the visitor is known when it comes again.

    Args:
        channel: to the visitor.
        messages: what comes from it.
        secret: what both should know.
        direction: what the host is here for.
        sdps: the descriptions of the visitor and of the host.

    Raises:
        WrongCodeError: The visitor does not know the secret; it was told.
        ConnectionLostError: It is gone, or said nothing in time.
        RemoteProtocolError: It said something else.
    """
    visitor, host = map(fingerprints_untrusted, sdps)
    said = await _next_untrusted(messages)
    if not isinstance(said, Hello):
        raise RemoteProtocolError("a visitor's first word is hello")
    if not is_proof(said.proof, proof(secret, Role.VISITOR, visitor, host)):
        await last_word(channel, Refused("wrong-code"), messages)
        raise WrongCodeError("a visitor has a wrong code")
    await say(channel, Welcome(proof(secret, Role.HOST, visitor, host), direction))
    return said.visitor


async def introduce(
    channel: Channel, messages: Messages, secret: str, name: str, sdps: tuple[str, str]
) -> Direction:
    """The visitor's part: returns what the host is here for.

    Args:
        channel: to the host.
        messages: what comes from it.
        secret: what both should know.
        name: by which the host knows us when we come again.
        sdps: the descriptions of the visitor and of the host.

    Raises:
        WrongCodeError: The host says that our secret is wrong, or does not know it itself.
        ConnectionLostError: It is gone, or said nothing in time.
        RemoteProtocolError: It said something else.
    """
    visitor, host = map(fingerprints_untrusted, sdps)
    await say(channel, Hello(proof(secret, Role.VISITOR, visitor, host), name))
    said = await _next_untrusted(messages)
    if isinstance(said, Refused):
        raise WrongCodeError("the code is wrong; ask for it again, or paste the whole link")
    if not isinstance(said, Welcome):
        raise RemoteProtocolError("a host's first word is welcome")
    if not is_proof(said.proof, proof(secret, Role.HOST, visitor, host)):
        raise WrongCodeError(
            "whoever answered does not know the code, and may be between the two machines; nothing was sent"
        )
    return said.host


async def _next_untrusted(messages: Messages) -> Message:
    try:
        async with asyncio.timeout(PROOF_S):
            data = await anext(messages)
    except (StopAsyncIteration, TimeoutError):
        raise ConnectionLostError("the other end is gone, or does not answer") from None
    if not isinstance(data, str):
        raise RemoteProtocolError("the first message is no text")
    return parse_untrusted(data)
