"""Connectivity checks on the virtual network, as the data plane runs them (RFC 8445 sections 6.1.4, 7 and
8)."""

import itertools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from visavis.clock import Clock
from visavis.dataplane import IceEvents
from visavis.dataplane.commands import FIRST_LEARNT_PAIR, Address, Pair, PairId, RestartIce, SocketId

RTO_S = 0.5
WAITS = (1, 2, 4, 8, 16, 32, 16)
"""In RTOs: after each of seven transmissions (RFC 8489 section 6.2.1)."""
_PACE_S = 0.05
_KEEP_ALIVE_S = 2.5
_FALLBACK_S = 3.0
_SILENT_S = 5.0
_CONSENT_S = 30.0
_MAX_LEARNT = 16


class PlaneEvents(IceEvents, Protocol):
    """Who hears all reports about a transport."""

    def transport_state(self, state: str, reason: str) -> None:
        """As `TransportEvents` has it."""


@dataclass(frozen=True, slots=True)
class Check:
    """A connectivity check (RFC 8445 section 7.1)."""

    transaction: bytes
    username: str
    password: str
    priority: int
    controlling: bool
    tie_breaker: int
    nominating: bool


@dataclass(frozen=True, slots=True)
class CheckAnswer:
    """Its answer; `code` is 0 or 487."""

    transaction: bytes
    password: str
    code: int
    mapped: Address


@dataclass(slots=True)
class _Path:
    """A pair under check; `state` is `waiting`, `checking`, `succeeded` or `failed`."""

    pair: PairId
    socket: SocketId
    remote: Address
    priority: int
    state: str = "waiting"
    nominate: bool = False
    peer_nominated: bool = False
    transaction: bytes = b""
    heard_s: float = 0.0


class FakeChecks:
    """The check list of one transport. `send` puts a message on its way, `report` hands a report to the event
    loop."""

    def __init__(
        self,
        clock: Clock,
        *,
        local: tuple[str, str],
        controlling: bool,
        tie_breaker: int,
        new_transaction: Callable[[], bytes],
        send: Callable[[SocketId, Address, object], None],
        report: Callable[[Callable[[PlaneEvents], None]], None],
    ) -> None:
        self._clock = clock
        self._local = local
        self._controlling = controlling
        self._tie_breaker = tie_breaker
        self._new_transaction = new_transaction
        self._send = send
        self._report = report
        self._previous: tuple[str, str] | None = None
        self._remote: tuple[str, str] | None = None
        self._numbers = itertools.count(FIRST_LEARNT_PAIR)
        self._paths: dict[tuple[SocketId, Address], _Path] = {}
        self._order: list[PairId] = []
        self._triggered: list[_Path] = []
        self._selected: _Path | None = None
        self._checks: dict[bytes, tuple[_Path, float, bool]] = {}
        self._pacing = False
        self._was_triggered = False
        self._learning: dict[SocketId, tuple[float, float]] = {}
        self._state = "new"
        self._closed = False
        clock.call_later(_KEEP_ALIVE_S, self.keep_alive)

    @property
    def selected(self) -> tuple[SocketId, Address] | None:
        """Where media would go."""
        path = self._selected
        return (path.socket, path.remote) if path is not None else None

    def close(self) -> None:
        """Falls silent."""
        self._closed = True

    def connect(self, remote: tuple[str, str]) -> None:
        """`ConnectTransport`."""
        self._remote = remote

    def restart(self, command: RestartIce) -> None:
        """`RestartIce`: the selected path serves until another is."""
        if (command.ufrag, command.password) != self._local:
            self._previous, self._local = self._local, (command.ufrag, command.password)
            self._remote = None
            self._triggered.clear()
            self._paths = {}
        if command.remote_ufrag is not None and command.remote_password is not None:
            remote = (command.remote_ufrag, command.remote_password)
            if self._remote not in (None, remote):
                self._triggered.clear()
                self._paths = {}
            self._remote = remote

    def set_role(self, controlling: bool) -> None:
        """`SetIceRole`."""
        if controlling is not self._controlling:
            self._controlling = controlling
            for path in self._paths.values():
                path.nominate = path.peer_nominated = False
            self._report(lambda events: events.role_changed(controlling))

    def remove_socket(self, socket: SocketId) -> None:
        """`RemoveSocket`: pairs that use it fail."""
        for key in [key for key in self._paths if key[0] == socket]:
            self._paths.pop(key).state = "failed"

    def nominate(self, pair: PairId) -> None:
        """`Nominate`."""
        path = next(path for path in self._paths.values() if path.pair == pair)
        assert self._controlling, "nominated while controlled"
        path.nominate = True
        self._triggered.insert(0, path)
        self._pace()

    def set_pairs(self, pairs: tuple[Pair, ...]) -> None:
        """`SetPairs`."""
        assert self._remote is not None, "pairs before the peer's credentials"
        assert len({pair.pair for pair in pairs}) == len(pairs), "a pair twice"
        for pair in pairs:
            path = self._paths.get((pair.socket, pair.remote))
            if path is None:
                path = _Path(pair.pair, pair.socket, pair.remote, pair.priority)
                self._paths[pair.socket, pair.remote] = path
            path.pair = pair.pair
        self._order = [pair.pair for pair in pairs]
        wanted = {(pair.socket, pair.remote) for pair in pairs}
        for key, path in list(self._paths.items()):
            if key not in wanted and path is not self._selected:
                del self._paths[key]
        self._pace()

    def _pace(self) -> None:
        if not self._pacing and self._check_next():
            self._pacing = True
            self._clock.call_later(_PACE_S, self._paced)

    def _paced(self) -> None:
        self._pacing = False
        self._pace()

    def _check_next(self) -> bool:
        """Triggered checks first (RFC 8445 section 6.1.4.2), but never two while an ordinary one waits: where
        both NATs map each check anew, every check triggers another."""
        if self._remote is None or self._closed:
            return False
        rank = {pair: index for index, pair in enumerate(self._order)}
        waiting = [path for path in self._paths.values() if path.state == "waiting" and path.pair in rank]
        if self._triggered and not (waiting and self._was_triggered):
            self._was_triggered = True
            self._check(self._triggered.pop(0))
            return True
        self._was_triggered = False
        if not waiting:
            return False
        self._check(min(waiting, key=lambda path: rank[path.pair]))
        return True

    def _trigger(self, path: _Path) -> None:
        if path not in self._triggered:
            self._triggered.append(path)
        self._pace()

    def _check(self, path: _Path) -> None:
        if path.state != "succeeded":
            path.state = "checking"
        path.transaction = self._new_transaction()
        self._checks[path.transaction] = (path, self._clock.monotonic(), path.nominate)
        self._transmit(path, path.transaction, 0)

    def _transmit(self, path: _Path, transaction: bytes, sent: int) -> None:
        if transaction not in self._checks or self._closed or self._remote is None:
            return
        current = self._paths.get((path.socket, path.remote)) is path or path is self._selected
        if not current:
            del self._checks[transaction]
            return
        if sent == len(WAITS):
            del self._checks[transaction]
            self._fail(path)
            return
        check = Check(
            transaction,
            f"{self._remote[0]}:{self._local[0]}",
            self._remote[1],
            path.priority,
            self._controlling,
            self._tie_breaker,
            self._checks[transaction][2],
        )
        self._send(path.socket, path.remote, check)
        self._clock.call_later(RTO_S * WAITS[sent], lambda: self._transmit(path, transaction, sent + 1))

    def _fail(self, path: _Path) -> None:
        if path.state == "checking":
            path.state = "failed"
            self._report_pair(path, "failed", "", 0.0)

    def _report_pair(self, path: _Path, state: str, mapped: str, rtt_s: float) -> None:
        pair = path.pair
        self._report(
            lambda events: events.pair_state(pair, state, mapped, rtt_s, "answered" if mapped else "silent")
        )

    def checked(self, socket: SocketId, source: Address, check: Check) -> None:
        """A check came (RFC 8445 section 7.3)."""
        ufrag = check.username.partition(":")[0]
        known = [pair for pair in (self._local, self._previous) if pair is not None]
        if (ufrag, check.password) not in known:
            return
        if check.controlling is self._controlling:
            if self._tie_breaker >= check.tie_breaker:
                if self._controlling:
                    self._answer(socket, source, check, 487)
                    return
                self._switch_role(True)
            elif self._controlling:
                self._switch_role(False)
            else:
                self._answer(socket, source, check, 487)
                return
        self._answer(socket, source, check, 0)
        path = self._paths.get((socket, source))
        if path is None and not self._may_learn(socket):
            return
        if path is None:
            path = _Path(PairId(next(self._numbers)), socket, source, check.priority)
            self._paths[socket, source] = path
            pair, priority = path.pair, check.priority
            self._report(lambda events: events.pair_learnt(pair, socket, source, priority))
        path.heard_s = self._clock.monotonic()
        if check.nominating and not self._controlling:
            path.peer_nominated = True
            if path.state == "succeeded":
                self._select(path, "nominated")
        if path.state != "succeeded":
            self._trigger(path)

    def _may_learn(self, socket: SocketId) -> bool:
        """Sixteen pairs at once and another each second: where both NATs map each check anew, every check
        would teach one, without end. The oldest that brought nothing gives way."""
        now = self._clock.monotonic()
        tokens, since_s = self._learning.get(socket, (_MAX_LEARNT, now))
        tokens = min(_MAX_LEARNT, tokens + now - since_s)
        if tokens < 1:
            return False
        self._learning[socket] = (tokens - 1, now)
        unproven = [
            key
            for key, path in self._paths.items()
            if path.pair >= FIRST_LEARNT_PAIR and path.socket == socket and path.state != "succeeded"
        ]
        if len(unproven) >= _MAX_LEARNT:
            del self._paths[unproven[0]]
        return True

    def _answer(self, socket: SocketId, source: Address, check: Check, code: int) -> None:
        self._send(socket, source, CheckAnswer(check.transaction, check.password, code, source))

    def _switch_role(self, controlling: bool) -> None:
        self._controlling = controlling
        self._report(lambda events: events.role_changed(controlling))

    def answered(self, socket: SocketId, source: Address, answer: CheckAnswer) -> None:
        """RFC 8445 section 7.2.5."""
        known = self._checks.get(answer.transaction)
        if known is None or self._remote is None or answer.password != self._remote[1]:
            return
        path, sent_s, nominating = known
        if (path.socket, path.remote) != (socket, source):
            return
        del self._checks[answer.transaction]
        if answer.code == 487:
            self._switch_role(not self._controlling)
            self._trigger(path)
            return
        path.heard_s = self._clock.monotonic()
        was, path.state = path.state, "succeeded"
        if was != "succeeded":
            mapped = f"{answer.mapped[0]}:{answer.mapped[1]}"
            self._report_pair(path, "succeeded", mapped, self._clock.monotonic() - sent_s)
        if nominating or (path.peer_nominated and not self._controlling and was != "succeeded"):
            self._select(path, "nominated")

    def _select(self, path: _Path, reason: str) -> None:
        if path is not self._selected:
            self._selected = path
            pair = path.pair
            self._report(lambda events: events.pair_selected(pair, reason))
        self._enter("connected", reason)

    def _enter(self, state: str, reason: str) -> None:
        if state != self._state:
            self._state = state
            self._report(lambda events: events.transport_state(state, reason))

    def keep_alive(self) -> None:
        """Consent of the selected pair, keep-alive of the others, and falling back."""
        if self._closed:
            return
        self._clock.call_later(_KEEP_ALIVE_S, self.keep_alive)
        now = self._clock.monotonic()
        valid = [path for path in self._paths.values() if path.state == "succeeded"]
        selected = self._selected
        if selected is not None and selected not in valid and selected.state == "succeeded":
            valid.append(selected)
        for path in valid:
            self._check(path)
        if selected is None:
            return
        silent_s = now - selected.heard_s
        rank = {pair: index for index, pair in enumerate(self._order)}
        living = [path for path in valid if now - path.heard_s < _FALLBACK_S and path.pair in rank]
        if silent_s > _FALLBACK_S and living:
            self._select(min(living, key=lambda path: rank[path.pair]), "fallback")
        elif silent_s > _CONSENT_S:
            self._enter("failed", "no consent for 30 s")
        elif silent_s > _SILENT_S and self._state == "connected":
            self._enter("disconnected", "silence")
        elif silent_s < _SILENT_S and self._state == "disconnected":
            self._enter("connected", "answered")
