"""The two ends that `data_channels.py` measures: each a process with one `RTCPeerConnection`."""

import asyncio
import json
import time
from dataclasses import asdict, dataclass
from multiprocessing.connection import Connection

from visavis import MessageEvent, RTCDataChannel, RTCDataChannelEvent, RTCPeerConnection

HIGH_WATER_BYTES = 2 << 20
IDLE_PINGS = 300
TIMEOUT_S = 60.0


@dataclass(frozen=True, slots=True)
class Case:
    """What is sent in a row of the table, and how it is received."""

    size_bytes: int
    channels: int
    receiver: str
    messages_each: int

    @property
    def messages(self) -> int:
        """On all channels."""
        return self.messages_each * self.channels

    @property
    def total_bytes(self) -> int:
        """Of all messages."""
        return self.size_bytes * self.messages


@dataclass(frozen=True, slots=True)
class Outcome:
    """CPU is that of all threads of a process; the round trips are a small message's meanwhile."""

    elapsed_s: float
    sender_cpu_s: float
    receiver_cpu_s: float
    round_trips_s: list[float]


async def _gathered(connection: RTCPeerConnection) -> dict[str, str]:
    while connection.iceGatheringState != "complete":
        await connection.next_event("icegatheringstatechange", timeout=TIMEOUT_S)
    assert connection.localDescription is not None
    return connection.localDescription.toJSON()


class Receiver:
    """The answering end: echoes on `ping`, counts what comes on the others, answers on `control`."""

    def __init__(self) -> None:
        self.ended = asyncio.Event()
        self.connection = RTCPeerConnection()
        self.connection.ondatachannel = self._begin_channel
        self._control: RTCDataChannel | None = None
        self._case: Case | None = None
        self._left = 0
        self._cpu_s = 0.0
        self._iterations: set[asyncio.Task[None]] = set()

    def _begin_channel(self, event: RTCDataChannelEvent) -> None:
        channel = event.channel
        if channel.label == "control":
            self._control = channel
            channel.onmessage = self._begin_case
            channel.onclose = lambda _: self.ended.set()
        elif channel.label == "ping":
            channel.onmessage = lambda message: channel.send(message.data)
        elif self._case is not None and self._case.receiver == "onmessage":
            channel.onmessage = lambda _: self._count()
        else:
            iteration = asyncio.get_running_loop().create_task(self._iterate(channel))
            self._iterations.add(iteration)
            iteration.add_done_callback(self._iterations.discard)

    async def _iterate(self, channel: RTCDataChannel) -> None:
        async for _ in channel:
            self._count()

    def _begin_case(self, event: MessageEvent) -> None:
        self._case = Case(**json.loads(event.data))
        self._left = self._case.messages
        self._cpu_s = time.process_time()
        self._answer("ready")

    def _count(self) -> None:
        self._left -= 1
        if not self._left:
            self._answer(str(time.process_time() - self._cpu_s))

    def _answer(self, text: str) -> None:
        if self._control is not None:
            self._control.send(text)


async def _receive(pipe: Connection) -> None:
    receiver = Receiver()
    await receiver.connection.setRemoteDescription(await asyncio.to_thread(pipe.recv))
    await receiver.connection.setLocalDescription()
    pipe.send(await _gathered(receiver.connection))
    await receiver.ended.wait()
    receiver.connection.close()


def receive(pipe: Connection) -> None:
    """What the receiving process does."""
    asyncio.run(_receive(pipe))


class Sender:
    """The offering end."""

    def __init__(self) -> None:
        self._connection = RTCPeerConnection()
        self._control = self._connection.createDataChannel("control")
        self._ping = self._connection.createDataChannel("ping", {"priority": "high"})

    async def connect(self, pipe: Connection) -> None:
        """Offers, over the pipe."""
        await self._connection.setLocalDescription()
        pipe.send(await _gathered(self._connection))
        opened = asyncio.gather(self._open(self._control), self._open(self._ping))
        await self._connection.setRemoteDescription(await asyncio.to_thread(pipe.recv))
        await opened

    async def _open(self, channel: RTCDataChannel) -> None:
        if channel.readyState != "open":
            await channel.next_event("open", timeout=TIMEOUT_S)

    async def _ask(self, text: str) -> str:
        answer = asyncio.ensure_future(self._control.next_event("message", timeout=TIMEOUT_S))
        await asyncio.sleep(0)
        self._control.send(text)
        event = await answer
        assert isinstance(event, MessageEvent)
        return str(event.data)

    async def ping(self, round_trips_s: list[float], count: int | None, pause_s: float) -> None:
        """Sends small messages, one after the other came back; without a count until it is cancelled."""
        answered = asyncio.Event()
        self._ping.onmessage = lambda _: answered.set()
        while count is None or len(round_trips_s) < count:
            answered.clear()
            began_s = time.perf_counter()
            self._ping.send(b"ping")
            await answered.wait()
            round_trips_s.append(time.perf_counter() - began_s)
            await asyncio.sleep(pause_s)

    async def run(self, case: Case, *, with_pings: bool) -> Outcome:
        """Sends all of a case; with pings it is the round trips that count."""
        await self._ask(json.dumps(asdict(case)))
        channels = [self._connection.createDataChannel(f"bulk {number}") for number in range(case.channels)]
        await asyncio.gather(*(self._open(channel) for channel in channels))
        round_trips_s: list[float] = []
        done = asyncio.ensure_future(self._control.next_event("message", timeout=TIMEOUT_S))
        began_s, began_cpu_s = time.perf_counter(), time.process_time()
        pings = asyncio.ensure_future(self.ping(round_trips_s, None if with_pings else 0, 0.005))
        await asyncio.gather(*(self._send(channel, case) for channel in channels))
        event = await done
        elapsed_s, cpu_s = time.perf_counter() - began_s, time.process_time() - began_cpu_s
        pings.cancel()
        await asyncio.gather(pings, return_exceptions=True)
        for channel in channels:
            channel.close()
        assert isinstance(event, MessageEvent)
        return Outcome(elapsed_s, cpu_s, float(event.data), round_trips_s)

    async def _send(self, channel: RTCDataChannel, case: Case) -> None:
        data = bytes(case.size_bytes)
        for _ in range(case.messages_each):
            await channel.send_async(data, high_water_bytes=HIGH_WATER_BYTES)

    async def close(self) -> None:
        """Ends both."""
        self._control.close()
        await self._control.next_event("close", timeout=TIMEOUT_S)
        self._connection.close()
