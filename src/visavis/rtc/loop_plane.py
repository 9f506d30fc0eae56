"""One data plane for each event loop, and one for each port that is shared there: started with the first
connection, closed with the last."""

import asyncio
import weakref
from collections.abc import Callable
from dataclasses import replace

from visavis.clock import Clock, LoopClock
from visavis.dataplane import Plane
from visavis.dataplane.commands import SocketId
from visavis.ice import IceOptions, Machine
from visavis.ice.bases import MAX_BASES, host_addresses
from visavis.ice.machine import LoopResolver, machine_interfaces, this_machine
from visavis.ice.mdns import MDNS_PORT
from visavis.ice.mdns_socket import MdnsSocket
from visavis.ice.watch import NetworkWatcher
from visavis.rtc.network_settings import NetworkSettings

_THREADS = 1


class LoopPlane:
    """The data plane of one event loop, with what ICE needs beside it; counts its users."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        mdns_port: int = MDNS_PORT,
        settings: NetworkSettings | None = None,
    ) -> None:
        """`mdns_port` is another one in tests only. Of the settings `udp_port` counts here.

        Raises:
            OSError: The port that is to be shared cannot be bound.
        """
        self.clock: Clock = LoopClock(loop)
        shared = None if settings is None else _shared_addresses(settings)
        self.plane = Plane.start(shared or [], threads=_THREADS)
        self.plane.attach(loop)
        self.mdns = MdnsSocket(loop, machine_interfaces, mdns_port)
        self._resolver = LoopResolver(loop, mdns=self.mdns)
        self.machine: Machine = this_machine(self._resolver)
        if shared is not None:
            bound = enumerate(self.plane.local_addresses)
            ports = {host: (SocketId(index), port) for index, (host, port) in bound}
            self.machine = replace(self.machine, shared_ports=ports)
        self._users = 0
        self._watcher: NetworkWatcher | None = None
        self._watching: list[Callable[[], None]] = []

    def watch(self, changed: Callable[[], None]) -> None:
        """Has `changed` called when the machine's addresses are others; one poll serves all who watch."""
        self._watching.append(changed)
        if self._watcher is None:
            self._watcher = NetworkWatcher(self.clock, self.machine.interfaces, self.network_changed)

    def unwatch(self, changed: Callable[[], None]) -> None:
        """Ends what `watch` began."""
        self._watching.remove(changed)
        if not self._watching and self._watcher is not None:
            self._watcher.close()
            self._watcher = None

    def network_changed(self) -> None:
        """Tells all who watch."""
        for changed in list(self._watching):
            changed()

    def hold(self) -> None:
        """One user more."""
        self._users += 1

    def release(self) -> bool:
        """One user less; after the last its threads have ended. Returns whether that was the last."""
        self._users -= 1
        if self._users == 0:
            self._resolver.close()
            self.mdns.close()
            self.plane.close()
        return self._users == 0


def _shared_addresses(settings: NetworkSettings) -> list[tuple[str, int]] | None:
    """Where the shared port is bound: on the addresses that agents would gather on."""
    if settings.udp_port is None:
        return None
    hosts = host_addresses(machine_interfaces(), IceOptions(accept=settings.accept))
    return [(host, settings.udp_port) for host in hosts[:MAX_BASES]]


_Planes = weakref.WeakValueDictionary[NetworkSettings | None, LoopPlane]
_planes: "weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, _Planes]" = weakref.WeakKeyDictionary()
"""Held by their users, to which the loop leads while it is open: a loop that is closed before they are is
forgotten with them, and the planes end."""


def acquire(settings: NetworkSettings | None = None) -> LoopPlane:
    """The data plane of the running event loop, for one user more; `release` it. Settings with a shared port
    have a plane of their own.

    Raises:
        RuntimeError: No event loop runs, or the data plane cannot start.
        OSError: The port that is to be shared cannot be bound.
    """
    loop = asyncio.get_running_loop()
    key = settings if settings is not None and settings.udp_port is not None else None
    planes = _planes.setdefault(loop, weakref.WeakValueDictionary())
    plane = planes.get(key)
    if plane is None:
        planes[key] = plane = LoopPlane(loop, settings=key)
    plane.hold()
    return plane


def release(held: LoopPlane) -> None:
    """Gives back what `acquire` returned."""
    if held.release():
        for loop, planes in list(_planes.items()):
            for key in [key for key, known in planes.items() if known is held]:
                del planes[key]
            if not planes:
                del _planes[loop]
