"""RTCDTMFSender and RTCDTMFToneChangeEvent (webrtc-pc section 7)."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from visavis.errors import DOMException
from visavis.events import Event, EventHandler, EventTarget
from visavis.rtc import idl

if TYPE_CHECKING:
    from visavis.rtc.sender import RTCRtpSender

_TONES = frozenset("0123456789ABCD#*,")
_PAUSE_MS = 2000
_SHORTEST_TONE_MS = 40
_SHORTEST_GAP_MS = 30
_LONGEST_MS = 6000


@dataclass(slots=True)
class RTCDTMFToneChangeEventInit:
    """What an `RTCDTMFToneChangeEvent` is made from."""

    tone: str = ""
    bubbles: bool = False
    cancelable: bool = False


class RTCDTMFToneChangeEvent(Event):
    """A tone begins; an empty one says that all are over."""

    def __init__(
        self, type: str, eventInitDict: RTCDTMFToneChangeEventInit | Mapping[str, object] | None = None
    ) -> None:
        init = idl.dictionary(RTCDTMFToneChangeEventInit, eventInitDict)
        super().__init__(type, {"bubbles": init.bubbles, "cancelable": init.cancelable})
        self._tone = init.tone

    @property
    def tone(self) -> str:
        """One of 0 to 9, A to D, `#`, `*`, the pause `,`, or empty."""
        return self._tone


class RTCDTMFSender(EventTarget):
    """Plays telephone keys (RFC 4733) into what an `RTCRtpSender` sends."""

    ontonechange: EventHandler[RTCDTMFToneChangeEvent] = EventHandler()

    def __init__(self, sender: "RTCRtpSender") -> None:
        super().__init__()
        self._sender = sender
        self._buffer = ""
        self._tone_ms = 100.0
        self._gap_ms = 70.0
        self._scheduled = False

    @property
    def canInsertDTMF(self) -> bool:
        """Whether tones can be sent now."""
        return self._sender.can_send_tones

    @property
    def toneBuffer(self) -> str:
        """The tones that are not played yet."""
        return self._buffer

    def insertDTMF(self, tones: str, duration: float = 100, interToneGap: float = 70) -> None:
        """Plays tones from now on, instead of those that wait; none ends what waits.

        Args:
            tones: 0 to 9, A to D, `#`, `*`, and `,` for two seconds of pause.
            duration: milliseconds of each, from 40 to 6000.
            interToneGap: milliseconds between them, from 30 to 6000.

        Raises:
            DOMException: `InvalidStateError`, tones cannot be sent now; `InvalidCharacterError`, no tone.
        """
        if not self.canInsertDTMF:
            raise DOMException("tones cannot be sent now", "InvalidStateError")
        normalized = tones.upper() if tones.isascii() else tones
        if unknown := set(normalized) - _TONES:
            raise DOMException(f"no tone: {''.join(sorted(unknown))}", "InvalidCharacterError")
        self._buffer = normalized
        self._tone_ms = min(max(duration, _SHORTEST_TONE_MS), _LONGEST_MS)
        self._gap_ms = min(max(interToneGap, _SHORTEST_GAP_MS), _LONGEST_MS)
        if self._buffer and not self._scheduled:
            self._scheduled = True
            self._sender.connection.tasks.queue(self._play)

    def _play(self) -> None:
        """The DTMF playout task steps."""
        self._scheduled = False
        if not self.canInsertDTMF:
            return
        if not self._buffer:
            self.dispatchEvent(RTCDTMFToneChangeEvent("tonechange"))
            return
        tone, self._buffer = self._buffer[0], self._buffer[1:]
        wait_ms = _PAUSE_MS if tone == "," else self._tone_ms + self._gap_ms
        if tone != ",":
            self._sender.play_tone(tone, self._tone_ms / 1000)
        self._scheduled = True
        tasks = self._sender.connection.tasks
        asyncio.get_running_loop().call_later(wait_ms / 1000, tasks.queue, self._play)
        self.dispatchEvent(RTCDTMFToneChangeEvent("tonechange", {"tone": tone}))
