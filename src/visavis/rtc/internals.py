"""What happened to connections, in the format of `chrome://webrtc-internals`, for the viewers of its dumps.

A dump has, of each connection, its configuration, an `updateLog` of what it did, and its figures: a list of
values of each member of each object of `getStats`.
"""

import asyncio
import json
import os
import time
from collections import deque
from dataclasses import dataclass, field, fields
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from visavis.events import Event
from visavis.rtc.data_channel_event import RTCDataChannelEvent
from visavis.rtc.ice_events import RTCPeerConnectionIceErrorEvent, RTCPeerConnectionIceEvent
from visavis.rtc.peer_connection import RTCPeerConnection
from visavis.rtc.track_event import RTCTrackEvent

_STATES = {
    "signalingstatechange": "signalingState",
    "iceconnectionstatechange": "iceConnectionState",
    "connectionstatechange": "connectionState",
    "icegatheringstatechange": "iceGatheringState",
}
_EVENTS = ("negotiationneeded", "icecandidate", "icecandidateerror", "track", "datachannel")


def _date(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


@dataclass(slots=True)
class _Series:
    """One member of one object of the figures, over time."""

    type: object
    samples: deque[tuple[float, object]]
    """Seconds since 1970, and the value then."""


@dataclass(slots=True)
class _Record:
    """One connection."""

    connection: RTCPeerConnection
    updates: deque[dict[str, str]]
    series: dict[str, _Series] = field(default_factory=dict[str, _Series])
    origins: dict[str, str] = field(default_factory=dict[str, str])


class InternalsLog:
    """Follows connections, and keeps the last hour of each, by default.

    ```python
    log = InternalsLog()
    log.watch(pc)
    ...
    log.save("call.json")
    ```
    """

    def __init__(self, *, interval_s: float = 1.0, most_samples: int = 3600) -> None:
        """Asks for figures at an interval; the last `most_samples` of each, and of the updates, are kept."""
        self._interval_s = interval_s
        self._most_samples = most_samples
        self._records: list[_Record] = []
        self._tasks: set[asyncio.Task[None]] = set()

    def watch(self, connection: RTCPeerConnection) -> None:
        """Follows a connection until it is closed.

        Raises:
            RuntimeError: No event loop runs.
        """
        loop = asyncio.get_running_loop()
        record = _Record(connection, deque(maxlen=self._most_samples))
        self._records.append(record)
        for type in (*_STATES, *_EVENTS):
            connection.addEventListener(type, lambda event: _note(record, event))
        task = loop.create_task(self._follow(record))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _follow(self, record: _Record) -> None:
        while record.connection.signalingState != "closed":
            await self._sample(record)
            await asyncio.sleep(self._interval_s)
        _add(record, "close", "")

    async def sample(self) -> None:
        """Takes the figures of all connections that are not closed now, beside those at the interval."""
        for record in self._records:
            if record.connection.signalingState != "closed":
                await self._sample(record)

    async def _sample(self, record: _Record) -> None:
        for id, stats in (await record.connection.getStats()).items():
            taken_s = time.time()
            for name, value in stats.items():
                if name in ("id", "type"):
                    continue
                series = record.series.get(f"{id}-{name}")
                if series is None:
                    series = _Series(stats["type"], deque(maxlen=self._most_samples))
                    record.series[f"{id}-{name}"] = series
                series.samples.append((taken_s, value))

    def dump(self) -> dict[str, object]:
        """All that is kept, as a document of JSON's types."""
        process = os.getpid()
        connections = {
            f"{process}-{number}": {
                "pid": process,
                "rid": 0,
                "isOpen": record.connection.signalingState != "closed",
                "url": "visavis",
                "rtcConfiguration": _configuration(record.connection),
                "constraints": "",
                "stats": {name: _values(series) for name, series in record.series.items()},
                "updateLog": list(record.updates),
            }
            for number, record in enumerate(self._records, 1)
        }
        agent = f"visavis {version('visavis')}"
        return {"getUserMedia": [], "PeerConnections": connections, "UserAgent": agent}

    def save(self, path: str | Path) -> None:
        """Writes the dump to a file.

        Raises:
            OSError: It cannot be written.
        """
        Path(path).write_text(json.dumps(self.dump()), encoding="utf-8")


def _values(series: _Series) -> dict[str, object]:
    return {
        "statsType": series.type,
        "startTime": _date(series.samples[0][0]),
        "endTime": _date(series.samples[-1][0]),
        "values": json.dumps([value for _, value in series.samples]),
    }


def _configuration(connection: RTCPeerConnection) -> dict[str, object]:
    """Without what only its owner may know."""
    configuration = connection.getConfiguration()
    names = [one.name for one in fields(configuration) if one.name not in ("iceServers", "certificates")]
    members = {name: getattr(configuration, name) for name in names}
    return {"iceServers": [server.urls for server in configuration.iceServers], **members}


def _add(record: _Record, type: str, value: str) -> None:
    record.updates.append({"time": _date(time.time()), "type": type, "value": value})


def _note(record: _Record, event: Event) -> None:
    if event.type in _STATES:
        if event.type == "signalingstatechange":
            _note_descriptions(record)
        _add(record, event.type, str(getattr(record.connection, _STATES[event.type])))
    elif isinstance(event, RTCPeerConnectionIceEvent):
        if event.candidate is not None and event.candidate.candidate:  # viewers know no end of candidates
            candidate = event.candidate
            place = f"sdpMid: {candidate.sdpMid}, sdpMLineIndex: {candidate.sdpMLineIndex}"
            _add(record, event.type, f"{place}, candidate: {candidate.candidate}")
    elif isinstance(event, RTCPeerConnectionIceErrorEvent):
        _add(record, event.type, f"url: {event.url}, error: {event.errorCode} {event.errorText}")
    elif isinstance(event, RTCTrackEvent):
        _add(record, event.type, f"kind: {event.track.kind}, id: {event.track.id}")
    elif isinstance(event, RTCDataChannelEvent):
        _add(record, event.type, f"label: {event.channel.label}")
    else:
        _add(record, event.type, "")


def _note_descriptions(record: _Record) -> None:
    """Descriptions that were set since the last time."""
    connection = record.connection
    present = {
        "setLocalDescription": connection.localDescription,
        "setRemoteDescription": connection.remoteDescription,
    }
    for method, description in present.items():
        if description is None:
            continue
        # Its text changes with the candidates, its origin does not (RFC 8866 section 5.2).
        origin = description.sdp.split("\r\n", 2)[1]
        if record.origins.get(method) != origin:
            record.origins[method] = origin
            _add(record, method, f"type: {description.type}, sdp: {description.sdp}")
