"""Multicast DNS for candidates (RFC 6762, draft-ietf-mmusic-mdns-ice-candidates): asks for the peer's names,
answers for ours. It moves no datagrams by itself."""

import math
import uuid
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Final

from visavis.clock import Clock, TimerHandle
from visavis.dataplane.commands import Address
from visavis.ice.candidate import ip_version
from visavis.ice.mdns_message import (
    AddressRecord,
    MdnsError,
    MdnsMessage,
    Question,
    RecordType,
    encode,
    parse_untrusted,
)

MDNS_PORT: Final = 5353
SUFFIX: Final = ".local"

_ASK_AT_S: Final = (0.0, 1.0, 3.0)
"""A query is repeated after a second, then at doubled intervals (RFC 6762 section 5.2)."""

_GIVE_UP_S: Final = 5.0
_TTL_S: Final = 120
_LEGACY_TTL_S: Final = 10
_ANSWER_INTERVAL_S: Final = 1.0
_MAX_QUESTIONS: Final = 64
_MAX_NAMES: Final = 256

Transmit = Callable[[bytes, Address | None], object]
"""Sends a datagram to an address, or to the group on all links."""


def is_mdns_name(name: str) -> bool:
    """Whether a candidate's name may be asked for: one label and `.local` (section 3.2 of the draft)."""
    label, dot, domain = name.lower().partition(".")
    return bool(label) and dot + domain == SUFFIX and name.isascii() and len(label) <= 63


class Mdns:
    """One machine's questions and names.

    `dropped` counts datagrams and requests that came to nothing: `malformed`, `busy` (64 names are being
    asked for, or one for 64 candidates), `frequent` (a name was asked for again within a second, which
    section 6 answers once).
    """

    def __init__(
        self,
        clock: Clock,
        transmit: Transmit,
        new_label: Callable[[], str] | None = None,
        port: int = MDNS_PORT,
    ) -> None:
        """`new_label` draws what nobody guesses; None is a random UUID (section 3.1.1 of the draft)."""
        self._port = port
        self._clock = clock
        self._transmit = transmit
        self._new_label = new_label if new_label is not None else lambda: str(uuid.uuid4())
        self._asked: dict[str, _Asked] = {}
        self._names: dict[str, str] = {}
        self._answered_s: dict[str, float] = {}
        self.dropped: Counter[str] = Counter()

    def resolve(self, name: str, done: Callable[[Sequence[str]], None]) -> None:
        """Asks for a name of which `is_mdns_name` is true; `done` gets its addresses, or, after five seconds,
        none."""
        name = name.lower()
        asked = self._asked.get(name)
        if asked is not None and len(asked.waiting) < _MAX_QUESTIONS:
            asked.waiting.append(done)
            return
        if asked is not None or len(self._asked) >= _MAX_QUESTIONS:
            self.dropped["busy"] += 1
            self._clock.call_later(0.0, lambda: done(()))
            return
        asked = self._asked[name] = _Asked(done)
        asked.timers = [self._clock.call_later(at_s, lambda: self._ask(name)) for at_s in _ASK_AT_S[1:]]
        asked.timers.append(self._clock.call_later(_GIVE_UP_S, lambda: self._end(name, ())))
        self._ask(name)

    def publish(self, address: str) -> str | None:
        """Takes a new name for an address of this machine and announces it (RFC 6762 section 8.3); None when
        there are 256 already. No probe: nobody else draws the same."""
        if len(self._names) >= _MAX_NAMES:
            return None
        name = self._new_label() + SUFFIX
        self._names[name] = address
        self._send_record(name, _TTL_S)
        return name

    def withdraw(self, name: str) -> None:
        """Gives a name up (RFC 6762 section 10.1); idempotent."""
        if name in self._names:
            self._send_record(name, 0)
            del self._names[name]
            self._answered_s.pop(name, None)

    def handle_datagram_untrusted(self, data: bytes, source: Address) -> None:
        """What came to the port of multicast DNS."""
        try:
            message = parse_untrusted(data)
        except MdnsError:
            self.dropped["malformed"] += 1
            return
        if message.is_response:
            self._take(message)
        else:
            for question in message.questions:
                self._answer_question(question, message.id, source)

    def close(self) -> None:
        """Gives names up; who waits for others' does not hear any more."""
        for name in list(self._names):
            self.withdraw(name)
        for asked in self._asked.values():
            asked.cancel()
        self._asked.clear()

    def _ask(self, name: str) -> None:
        questions = (Question(name, RecordType.A), Question(name, RecordType.AAAA))
        self._transmit(encode(MdnsMessage(False, questions)), None)

    def _take(self, message: MdnsMessage) -> None:
        for name in list(self._asked):
            found = [one.address for one in message.records if one.name == name and one.ttl_s]
            if found:
                self._end(name, found)

    def _end(self, name: str, addresses: Sequence[str]) -> None:
        asked = self._asked.pop(name)
        asked.cancel()
        for done in asked.waiting:
            done(addresses)

    def _answer_question(self, question: Question, id: int, source: Address) -> None:
        """To all, once a second at most; to a querier that is no mDNS node to it alone (section 6.7)."""
        address = self._names.get(question.name)
        if address is None or question.type not in (_type_of(address), RecordType.ANY):
            return
        if source[1] != self._port:
            record = AddressRecord(question.name, address, _LEGACY_TTL_S)
            self._transmit(encode(MdnsMessage(True, (question,), (record,), id), flush=False), source)
            return
        now = self._clock.monotonic()
        if now - self._answered_s.get(question.name, -math.inf) < _ANSWER_INTERVAL_S:
            self.dropped["frequent"] += 1
            return
        self._answered_s[question.name] = now
        self._send_record(question.name, _TTL_S)

    def _send_record(self, name: str, ttl_s: int) -> None:
        """An announcement holds up no answer: who asks because of a candidate may not have listened yet."""
        record = AddressRecord(name, self._names[name], ttl_s)
        self._transmit(encode(MdnsMessage(True, (), (record,))), None)


class _Asked:
    """Who waits for a name."""

    def __init__(self, done: Callable[[Sequence[str]], None]) -> None:
        self.waiting = [done]
        self.timers: list[TimerHandle] = []

    def cancel(self) -> None:
        """Asks no more."""
        for timer in self.timers:
            timer.cancel()


def _type_of(address: str) -> RecordType:
    return RecordType.A if ip_version(address) == 4 else RecordType.AAAA
