"""The media plane of a server: the data plane's UDP port, and a router per room on it."""

import asyncio
import ipaddress
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from visavis.clock import Clock
from visavis.errors import StartError
from visavis.room.media import Router as RoomRouter
from visavis.sdp import Candidate
from visavis.sfu import DataPlane, Router

Address = tuple[str, int]


@dataclass(frozen=True, slots=True)
class MediaPlan:
    """What to open: UDP addresses with one port, data plane threads, addresses to announce beside them."""

    addresses: Sequence[Address]
    threads: int
    external_ip: Sequence[str]
    clock: Clock


class Media(Protocol):
    """An open media plane."""

    @property
    def local_addresses(self) -> Sequence[Address]:
        """Where it listens (UDP), with real ports."""
        ...

    def new_router(self) -> RoomRouter:
        """The media of one more room."""
        ...

    @property
    def is_whole(self) -> bool:
        """Whether all that it needs runs."""
        ...

    @property
    def transport_count(self) -> int:
        """How many transports browsers have."""
        ...

    def counters(self) -> Mapping[str, int]:
        """What happened to packets, by reason."""
        ...

    def close(self) -> None:
        """Ends everything, in bounded time."""


OpenMedia = Callable[[MediaPlan], Media]
"""Called on the event loop's thread. Raises OSError when an address cannot be bound."""


class Plane(DataPlane, Protocol):
    """A data plane with its life: what `visavis.dataplane.Plane` is."""

    @property
    def local_addresses(self) -> Sequence[Address]:
        """Where it listens."""
        ...

    @property
    def is_whole(self) -> bool:
        """Whether all its threads run."""
        ...

    @property
    def transport_count(self) -> int:
        """How many transports are in use."""
        ...

    def counters(self) -> Mapping[str, int]:
        """What happened to packets, by reason."""
        ...

    def close(self) -> None:
        """Stops its threads."""


class PlaneMedia:
    """Media over a data plane; every room's router shares the plane and announces the same candidates."""

    def __init__(self, plane: Plane, plan: MediaPlan, randomness: random.Random | None = None) -> None:
        self._plane = plane
        self._clock = plan.clock
        self._randomness = randomness or random.SystemRandom()
        self._candidates = candidates(plane.local_addresses, plan.external_ip)

    @property
    def local_addresses(self) -> Sequence[Address]:
        """Where the plane listens."""
        return self._plane.local_addresses

    def new_router(self) -> RoomRouter:
        """The media of one more room."""
        return Router(
            self._plane, candidates=self._candidates, clock=self._clock, randomness=self._randomness
        )

    @property
    def is_whole(self) -> bool:
        """Whether all threads of the plane run."""
        return self._plane.is_whole

    @property
    def transport_count(self) -> int:
        """How many transports the plane has."""
        return self._plane.transport_count

    def counters(self) -> Mapping[str, int]:
        """What happened to packets, by reason."""
        return self._plane.counters()

    def close(self) -> None:
        """Stops the plane; the routers are closed before."""
        self._plane.close()


def open_media(plan: MediaPlan) -> Media:
    """Starts the data plane.

    Raises:
        OSError: an address cannot be bound.
        StartError: this installation has no compiled data plane.
    """
    try:
        from visavis.dataplane import Plane as RealPlane
    except ImportError as error:
        message = (
            f"the data plane is not built for this Python ({error}); install the package, or run make build"
        )
        raise StartError(message) from None
    plane = RealPlane.start(plan.addresses, threads=plan.threads)
    plane.attach(asyncio.get_running_loop())
    return PlaneMedia(plane, plan)


def candidates(local: Sequence[Address], external_ip: Sequence[str]) -> tuple[Candidate, ...]:
    """The host candidates of a lite agent (RFC 8445 sections 2.5 and 5.1.1), best first.

    External addresses come first: who set them knows that clients reach those. They stand for the one UDP
    port, which the NAT in front must forward as it is.
    """
    known = dict.fromkeys(local)
    ports = {port for _, port in local}
    announced = dict.fromkeys((host, port) for host in external_ip for port in sorted(ports))
    everything = [*announced, *(address for address in known if address not in announced)]
    return tuple(
        Candidate(
            foundation=str(index + 1),
            component=1,
            transport="udp",
            priority=_host_priority(index),
            address=str(ipaddress.ip_address(host)),
            port=port,
            type="host",
        )
        for index, (host, port) in enumerate(everything)
    )


def _host_priority(index: int) -> int:
    """RFC 8445 section 5.1.2.1: type preference 126, a local preference of its own for each, component 1."""
    return (126 << 24) | (max(0, 65535 - index) << 8) | 255
