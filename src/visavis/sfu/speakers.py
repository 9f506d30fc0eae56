"""Who speaks now, from the audio levels that the data plane measures (RFC 6464), without flicker."""

from collections.abc import Iterable
from dataclasses import dataclass

START_DBOV = -45
"""A peer begins to speak at this level."""
STOP_DBOV = -55
"""A peer that speaks goes on speaking down to this level; between the two, nothing changes."""
CONFIRM_S = 0.15
"""How long a peer must be at speaking level before it is shown; a cough is shorter than two reports."""
HOLD_S = 0.8
"""How long a peer stays shown after its last speaking level: the pause between two sentences."""
OVERTAKE_DB = 6
"""By how much a peer must be louder than the one before it to change places with it."""


@dataclass(slots=True)
class _Voice:
    level_dbov: int
    since_s: float
    heard_s: float
    shown: bool = False


class Speakers:
    """The ordered list of those who speak, for one room; time is an argument."""

    def __init__(self) -> None:
        self._voices: dict[str, _Voice] = {}
        self._order: list[str] = []

    def heard(self, now_s: float, levels: Iterable[tuple[str, int]]) -> None:
        """Takes one report: (peer, level in dBov). A peer that it leaves out may be in another one."""
        for peer, level_dbov in levels:
            voice = self._voices.get(peer)
            if voice is None or now_s >= voice.heard_s + HOLD_S:
                self.forget(peer)
                if level_dbov >= START_DBOV:
                    self._voices[peer] = _Voice(level_dbov, since_s=now_s, heard_s=now_s)
            elif level_dbov >= (STOP_DBOV if voice.shown else START_DBOV):
                voice.level_dbov = level_dbov
                voice.heard_s = now_s
                if not voice.shown and now_s - voice.since_s >= CONFIRM_S:
                    voice.shown = True
                    self._order.append(peer)

    def forget(self, peer: str) -> None:
        """A peer left."""
        self._voices.pop(peer, None)
        if peer in self._order:
            self._order.remove(peer)

    def current(self, now_s: float) -> list[str]:
        """Who speaks at `now_s`, loudest first; neighbours change places only by a clear difference."""
        for peer, voice in list(self._voices.items()):
            if now_s >= voice.heard_s + HOLD_S:
                self.forget(peer)
        self._settle()
        return list(self._order)

    def expires_s(self) -> float | None:
        """The moment at which to ask `current` again if nothing more is heard; None while nobody speaks."""
        heard_s = min((voice.heard_s for voice in self._voices.values()), default=None)
        return None if heard_s is None else heard_s + HOLD_S

    def _settle(self) -> None:
        """Insertion sort with a threshold: stable, and bounded by the number of voices."""
        for end in range(1, len(self._order)):
            at = end
            while at and self._level(at) >= self._level(at - 1) + OVERTAKE_DB:
                self._order[at - 1], self._order[at] = self._order[at], self._order[at - 1]
                at -= 1

    def _level(self, at: int) -> int:
        return self._voices[self._order[at]].level_dbov
