"""The Python end of the bridge: serves the JavaScript page of one web-platform-test.

`js/bridge.mjs` has the channels' layout and the contract of who runs when.
"""

import argparse
import asyncio
import base64
import contextlib
import faulthandler
import inspect
import json
import logging
import math
import os
import select
import signal
import sys
from collections.abc import Sequence
from typing import Any, cast

import visavis
from tests.conformance.wpt import eager
from tests.conformance.wpt.adapter import Adapter
from tests.conformance.wpt.screen import Screen
from visavis.rtc import MessageEvent

_DEEPEST_DICTIONARY = 12
_TURNS_BEFORE_TIMER = 16


class Bridge:
    """Requests in; replies, events and settled promises out."""

    def __init__(self, adapter: Adapter, requests: int, replies: int, events: int) -> None:
        self._adapter = adapter
        self._requests, self._replies, self._events = requests, replies, events
        self._unread = b""
        self._sequence = 0
        self._depth = 0
        self._timer_waits = False
        self._objects: dict[int, Any] = {}
        self._handles: dict[int, int] = {}
        self._interfaces: dict[int, str | None] = {}
        self._promises = 0
        self._loop: asyncio.AbstractEventLoop = asyncio.get_running_loop()
        self._trace = bool(os.environ.get("WPTBRIDGE_TRACE"))

    async def run(self) -> None:
        """Serves until the page ends the process."""
        self._loop.add_reader(self._requests, self._serve)
        await asyncio.Event().wait()

    # Channels.

    def _write(self, descriptor: int, message: dict[str, Any]) -> None:
        data = self._encode(message)
        while data:
            data = data[os.write(descriptor, data) :]

    def _encode(self, message: dict[str, Any]) -> bytes:
        text = json.dumps(message)
        if self._trace:
            print("PY>", text[:400], file=sys.stderr)
        return text.encode() + b"\n"

    def _read(self) -> dict[str, Any]:
        while b"\n" not in self._unread:
            chunk = os.read(self._requests, 65_536)
            if not chunk:
                os._exit(0)
            self._unread += chunk
        line, self._unread = self._unread.split(b"\n", 1)
        if self._trace:
            print("JS>", line[:400].decode(), file=sys.stderr)
        message: dict[str, Any] = json.loads(line)
        return message

    # Who runs: the page, until it releases what it holds.

    def _serve(self, *, in_task: bool = False) -> None:
        try:
            while True:
                message = self._read()
                if message["op"] == "acquire" and not in_task:
                    self._timer_waits = True
                    self._loop.call_soon(self._let_timer_run, _TURNS_BEFORE_TIMER)
                    return
                if message["op"] != "release":
                    self._handle(message)
                elif message["seq"] >= self._sequence:
                    return
        finally:
            if self._unread:  # select() does not tell of these
                self._loop.call_soon(self._serve_unread)

    def _let_timer_run(self, turns: int) -> None:
        """The page wants to run a timer's task: what Python has ready goes first, as it was queued first."""
        if not self._timer_waits:
            return
        if turns:
            self._loop.call_soon(self._let_timer_run, turns - 1)
            return
        self._timer_waits = False
        self._write(self._replies, {"seq": self._sequence})
        self._serve(in_task=True)

    def _serve_unread(self) -> None:
        if self._unread:
            self._serve()

    def _send_task(self, message: dict[str, Any]) -> None:
        """Hands the page a task, and waits until it is over."""
        self._sequence += 1
        if self._timer_waits:  # it has to wait for this task, which the number tells it
            self._timer_waits = False
            self._write(self._replies, {"seq": self._sequence})
        data = self._encode({**message, "seq": self._sequence})
        while data:  # the page may be inside of a request, and not read: it is served meanwhile
            readable, writable, _ = select.select(
                [self._requests], [self._events], [], 0.001 if self._unread else None
            )
            if writable:
                with contextlib.suppress(BlockingIOError):
                    data = data[os.write(self._events, data) :]
            elif readable or self._unread:
                request = self._read()
                if request["op"] != "release":
                    self._handle(request)
        self._serve(in_task=True)

    def _emit(self, target: object, type: str, event: object) -> None:
        """An event was fired: the page's listeners run, and what they do, before this returns."""
        wire: dict[str, Any] = {"target": self._handle_of(target)["$o"], "type": type}
        if isinstance(event, MessageEvent):
            wire["attrs"] = {"data": self._to_wire(event.data)}
            wire["binaryType"] = getattr(target, "binaryType", "arraybuffer")
        elif self._adapter.interface_of(event) is not None:
            handle = self._handle_of(event)
            wire["handle"], wire["iface"] = handle["$o"], handle["i"]
        if not self._depth:
            self._send_task({"ev": wire})
            return
        self._write(self._replies, {"ev": wire})
        while (message := self._read())["op"] != "nested_done":
            if message["op"] != "release":
                self._handle(message)

    # Values.

    def _handle_of(self, value: object, interface: str | None = None) -> dict[str, Any]:
        handle = self._handles.get(id(value))
        if handle is None:
            handle = len(self._objects) + 1
            self._objects[handle] = value
            self._handles[id(value)] = handle
            self._interfaces[handle] = interface or self._adapter.interface_of(value)
            self._adapter.subscribe(self._emit, value, self._interfaces[handle])
        return {"$o": handle, "i": self._interfaces[handle]}

    def _to_wire(self, value: Any, depth: int = 0) -> Any:
        value = self._adapter.simplify(value)
        if value is None or isinstance(value, (bool, str)):
            return value
        if isinstance(value, (int, float)):
            if not math.isfinite(value):
                return {"$n": "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"}
            return value
        if isinstance(value, bytes):
            return {"$b": base64.b64encode(value).decode()}
        if isinstance(value, visavis.RTCStatsReport):
            return {"$stats": [[id, self._to_wire(stats)] for id, stats in value.items()]}
        if self._adapter.interface_of(value) is not None:
            return self._handle_of(value)
        if isinstance(value, BaseException):
            return {"$e": self._error(value)}
        if isinstance(value, (list, tuple)):
            return [self._to_wire(item, depth + 1) for item in cast(Sequence[Any], value)]
        members = self._adapter.plain(value)
        if members is None or depth > _DEEPEST_DICTIONARY:
            raise TypeError(f"the page has nothing for {type(value).__name__}")
        return {"$d": {name: self._to_wire(member, depth + 1) for name, member in members.items()}}

    def _from_wire(self, value: Any) -> Any:
        wire = cast(list[Any] | dict[str, Any] | str | float | None, value)
        if isinstance(wire, list):
            return [self._from_wire(item) for item in wire]
        if not isinstance(wire, dict):
            return wire
        if "$o" in wire:
            return self._objects[wire["$o"]]
        if "$b" in wire:
            return base64.b64decode(wire["$b"])
        if "$n" in wire:
            return float(wire["$n"].replace("Infinity", "inf"))
        if "$u" in wire or "$f" in wire:
            return None
        return {name: self._from_wire(member) for name, member in wire["$d"].items()}

    def _error(self, error: BaseException) -> dict[str, Any]:
        info: dict[str, Any] = {"name": self._adapter.error_name(error), "message": str(error)}
        if self._adapter.interface_of(error) is not None:
            handle = self._handle_of(error)
            info["handle"], info["iface"] = handle["$o"], handle["i"]
        return info

    # Requests.

    def _handle(self, message: dict[str, Any]) -> None:
        self._depth += 1
        try:
            reply = self._dispatch(message)
        except Exception as error:
            reply = {"err": self._error(error)}
        finally:
            self._depth -= 1
        self._write(self._replies, reply)

    def _dispatch(self, message: dict[str, Any]) -> dict[str, Any]:
        adapter = self._adapter
        arguments = [self._from_wire(argument) for argument in message.get("args", [])]
        match message["op"]:
            case "acquire":
                return {"seq": self._sequence}
            case "init":
                adapter.idl = message["idl"]
                return {"ok": adapter.describe()}
            case "named":
                return {"ok": self._to_wire(adapter.named(message["name"]))}
            case "new":
                made = adapter.construct(message["iface"], arguments)
                return {"ok": self._handle_of(made, message["iface"])}
            case "static":
                value = adapter.static(message["iface"], message["name"], arguments)
                return self._result(value, promised=bool(message.get("promise")))
            case "show":
                screen = Screen(*arguments)
                screen.addEventListener(
                    "loadedmetadata", lambda event: self._emit(screen, "loadedmetadata", event)
                )
                return {"ok": self._handle_of(screen)}
            case "get":
                return {"ok": self._to_wire(getattr(self._objects[message["h"]], message["name"]))}
            case "set":
                setattr(self._objects[message["h"]], message["name"], self._from_wire(message["value"]))
                return {"ok": None}
            case "call":
                value = getattr(self._objects[message["h"]], message["name"])(*arguments)
                return self._result(value, promised=bool(message.get("promise")))
            case unknown:
                raise ValueError(unknown)

    def _result(self, value: Any, *, promised: bool) -> dict[str, Any]:
        if not inspect.isawaitable(value):
            return {"ok": self._to_wire(value)}
        if not promised:
            raise AssertionError("a coroutine where the standard has no promise")
        task, error = eager.start(self._loop, value)
        if error is not None:
            task.add_done_callback(lambda task: task.exception())  # retrieved: it is thrown here
            raise error
        self._promises += 1
        number = self._promises
        task.add_done_callback(lambda task: self._settle(number, task))
        return {"ok": {"$p": number}}

    def _settle(self, number: int, task: "asyncio.Future[Any]") -> None:
        """A cancelled coroutine is a promise that is never settled."""
        if task.cancelled():
            return
        settled: dict[str, Any] = {"id": number}
        error = task.exception()
        if error is None:
            settled["ok"] = self._to_wire(task.result())
        else:
            settled["err"] = self._error(error)
        self._send_task({"settle": settled})


async def _main(requests: str, replies: str) -> None:
    descriptors = os.open(requests, os.O_RDONLY), os.open(replies, os.O_WRONLY)
    os.set_blocking(3, False)
    await Bridge(Adapter(), *descriptors, 3).run()


def main() -> None:
    """`python -m tests.conformance.wpt.bridge --req FIFO --rep FIFO`, the events' stream is descriptor 3."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--req", required=True)
    parser.add_argument("--rep", required=True)
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.CRITICAL)
    faulthandler.register(signal.SIGUSR1, all_threads=True)  # kill -USR1 shows where it hangs
    asyncio.run(_main(arguments.req, arguments.rep))


if __name__ == "__main__":
    main()
