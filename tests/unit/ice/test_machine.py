import asyncio
import os
import socket
from collections.abc import Sequence

import pytest

from visavis.ice import Interface
from visavis.ice.machine import (
    InterfaceCache,
    LoopResolver,
    machine_interfaces,
    open_udp_socket,
    this_machine,
)
from visavis.ice.watch import NetworkWatcher
from visavis.testing.clock import ManualClock


def test_the_machine_has_loopback() -> None:
    assert "127.0.0.1" in {interface.address for interface in machine_interfaces()}


def test_a_socket_is_bound_and_ready_for_a_data_plane() -> None:
    descriptor, port = open_udp_socket("127.0.0.1", None)
    with socket.socket(fileno=descriptor) as bound:
        assert bound.getsockname() == ("127.0.0.1", port)
        assert bound.type is socket.SOCK_DGRAM
        assert not os.get_blocking(descriptor)


def test_the_first_free_port_of_a_range_is_taken_and_a_full_range_is_an_error() -> None:
    first, port = open_udp_socket("127.0.0.1", None)
    with socket.socket(fileno=first):
        with pytest.raises(OSError, match="in use"):
            open_udp_socket("127.0.0.1", (port, port))
        second, other = open_udp_socket("127.0.0.1", (port, port + 20))
        with socket.socket(fileno=second):
            assert port < other <= port + 20
    with pytest.raises(OSError, match="empty"):
        open_udp_socket("127.0.0.1", (5, 4))


async def resolve(resolver: LoopResolver, name: str) -> Sequence[str]:
    answered: asyncio.Future[Sequence[str]] = asyncio.get_running_loop().create_future()
    resolver.resolve(name, answered.set_result)
    return await answered


async def test_names_are_resolved_by_the_system() -> None:
    resolver = LoopResolver(asyncio.get_running_loop())
    assert "127.0.0.1" in await resolve(resolver, "localhost")
    assert await resolve(resolver, "a" * 70 + ".example") == ()


async def test_a_lookup_that_fails_or_hangs_means_nothing() -> None:
    async def fail(name: str) -> Sequence[str]:
        raise OSError(name)

    async def hang(name: str) -> Sequence[str]:
        await asyncio.Event().wait()
        return [name]

    loop = asyncio.get_running_loop()
    assert await resolve(LoopResolver(loop, fail), "example.org") == ()
    assert await resolve(LoopResolver(loop, hang, timeout_s=0.0), "example.org") == ()


async def test_a_closed_resolver_tells_nobody() -> None:
    heard: list[Sequence[str]] = []
    started = asyncio.Event()

    async def hang(name: str) -> Sequence[str]:
        started.set()
        await asyncio.Event().wait()
        return [name]

    resolver = LoopResolver(asyncio.get_running_loop(), hang)
    resolver.resolve("example.org", heard.append)
    await started.wait()
    resolver.close()
    await asyncio.gather(
        *(task for task in asyncio.all_tasks() if task is not asyncio.current_task()), return_exceptions=True
    )
    assert heard == []


async def test_this_machine_is_all_three() -> None:
    machine = this_machine(LoopResolver(asyncio.get_running_loop()))
    assert list(machine.interfaces()) == machine_interfaces()
    assert machine.open_socket is open_udp_socket


def test_addresses_are_listed_anew_when_they_are_old() -> None:
    clock = ManualClock()
    calls: list[float] = []

    def interfaces() -> list[Interface]:
        calls.append(clock.monotonic())
        return [Interface("eth0", f"192.0.2.{len(calls)}")]

    cache = InterfaceCache(interfaces, clock.monotonic)
    first = cache()
    clock.advance(0.9)
    assert cache() == first
    clock.advance(0.2)
    assert [interface.address for interface in cache()] == ["192.0.2.2"]
    assert calls == [1000.0, 1001.1]


def test_a_watcher_tells_each_change_once_until_it_is_closed() -> None:
    clock = ManualClock()
    interfaces = [Interface("eth0", "192.0.2.1")]
    changes: list[float] = []
    watcher = NetworkWatcher(clock, lambda: list(interfaces), lambda: changes.append(clock.monotonic()))
    clock.advance(10.0)
    assert changes == []
    interfaces.append(Interface("wlan0", "192.0.2.2"))
    clock.advance(10.0)
    assert changes == [1012.0]
    watcher.close()
    watcher.close()
    interfaces.clear()
    clock.advance(10.0)
    assert changes == [1012.0]
    assert clock.pending() == 0
