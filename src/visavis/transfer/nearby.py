"""From a code to a link: multicast DNS (RFC 6762) knows the host by the code's locator, on the local network.

The names are `visavis-k7wd-1.local` and so on, one for each of the host's addresses. They say nothing of the
secret.
"""

import asyncio
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager

from visavis.errors import StartError
from visavis.ice.machine import machine_interfaces
from visavis.ice.mdns import MDNS_PORT
from visavis.ice.mdns_socket import MdnsSocket
from visavis.transfer.opening import Opened
from visavis.transfer.secret import Code, Link, new_locator

MOST_ADDRESSES = 4
CONNECT_S = 3.0


@contextmanager
def nearby(opened: Opened, mdns_port: int = MDNS_PORT) -> Generator[Code | None]:
    """Answers for a code while the block runs; None where nobody else could ask for it, or reach us.

    Args:
        opened: the host.
        mdns_port: another one in tests only.
    """
    loop = asyncio.get_running_loop()
    code = Code(new_locator(opened.port, https=opened.context is not None), opened.links[0].secret)
    labels = _labels(code)
    mdns = MdnsSocket(loop, machine_interfaces, mdns_port, lambda: next(labels))
    try:
        told = [mdns.publish(address) for address in opened.reachable[:MOST_ADDRESSES]]
        yield code if any(told) else None
    finally:
        mdns.close()


async def find(code: Code, mdns_port: int = MDNS_PORT) -> Link:
    """Asks the local network for the host of a code, and takes the first of its addresses that answers.

    Args:
        code: as the host shows it.
        mdns_port: another one in tests only.

    Raises:
        StartError: Nobody answers.
    """
    mdns = MdnsSocket(asyncio.get_running_loop(), machine_interfaces, mdns_port)
    try:
        attempts = {asyncio.create_task(_try(mdns, label, code.port)) for label in _labels(code)}
        while attempts:
            done, attempts = await asyncio.wait(attempts, return_when=asyncio.FIRST_COMPLETED)
            for address in (each.result() for each in done):
                if address is not None:
                    for each in attempts:
                        each.cancel()
                    return code.link(address)
    finally:
        mdns.close()
    raise StartError(
        f"nobody in this network knows the code {code.locator}-…; is the other side running, and in the "
        "same network? A link works in more networks than a code"
    )


async def _try(mdns: MdnsSocket, label: str, port: int) -> str | None:
    """An address of the name at which the port is open; None if there is none."""
    resolved: asyncio.Future[Sequence[str]] = asyncio.get_running_loop().create_future()
    if not mdns.resolve(f"{label}.local", resolved.set_result):
        return None
    for address in await resolved:
        try:
            async with asyncio.timeout(CONNECT_S):
                _, writer = await asyncio.open_connection(address, port)
        except (OSError, TimeoutError):
            continue
        writer.close()
        return address
    return None


def _labels(code: Code) -> Iterator[str]:
    return (f"visavis-{code.locator}-{number}" for number in range(1, MOST_ADDRESSES + 1))
