"""One data plane for each event loop: started with the first connection there, closed with the last."""

import asyncio
import weakref
from collections.abc import Callable

from visavis.clock import Clock, LoopClock
from visavis.dataplane import Plane
from visavis.ice import Machine
from visavis.ice.machine import LoopResolver, machine_interfaces, this_machine
from visavis.ice.mdns import MDNS_PORT
from visavis.ice.mdns_socket import MdnsSocket
from visavis.ice.watch import NetworkWatcher

_THREADS = 1


class LoopPlane:
    """The data plane of one event loop, with what ICE needs beside it; counts its users."""

    def __init__(self, loop: asyncio.AbstractEventLoop, mdns_port: int = MDNS_PORT) -> None:
        """`mdns_port` is another one in tests only."""
        self.clock: Clock = LoopClock(loop)
        self.plane = Plane.start([], threads=_THREADS)
        self.plane.attach(loop)
        self.mdns = MdnsSocket(loop, machine_interfaces, mdns_port)
        self._resolver = LoopResolver(loop, mdns=self.mdns)
        self.machine: Machine = this_machine(self._resolver)
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


_planes: "weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, weakref.ref[LoopPlane]]" = (
    weakref.WeakKeyDictionary()
)
"""Held by its users, to which its loop leads while it is open: a loop that is closed before they are is
forgotten with them, and the plane ends."""


def acquire() -> LoopPlane:
    """The data plane of the running event loop, for one user more; `release` it.

    Raises:
        RuntimeError: No event loop runs, or the data plane cannot start.
    """
    loop = asyncio.get_running_loop()
    known = _planes.get(loop)
    plane = None if known is None else known()
    if plane is None:
        plane = LoopPlane(loop)
        _planes[loop] = weakref.ref(plane)
    plane.hold()
    return plane


def release(held: LoopPlane) -> None:
    """Gives back what `acquire` returned."""
    if held.release():
        for loop, known in list(_planes.items()):
            if known() is held:
                del _planes[loop]
