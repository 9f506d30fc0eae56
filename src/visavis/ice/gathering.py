"""Gathering (RFC 8445 section 5.1.1): host, server-reflexive and relayed candidates, paced and bounded in
time."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final, Protocol

from visavis.clock import Clock, TimerHandle
from visavis.dataplane.commands import Address, SocketId
from visavis.ice.bases import Base, Bases
from visavis.ice.candidate import (
    MAX_LOCAL_PREFERENCE,
    MAX_TCP_LOCAL_PREFERENCE,
    Candidate,
    CandidateProtocol,
    CandidateType,
    Foundations,
    LocalCandidate,
    candidate_priority,
    ip_version,
    tcp_local_preference,
)
from visavis.ice.options import IceOptions, Machine
from visavis.ice.relays import Relay, RelayAsker, Relays
from visavis.ice.servers import IceServer, RelayProtocol
from visavis.ice.states import GatheringState
from visavis.stun import AttributeType, Method, Requests, Response, Scheme
from visavis.stun.attributes import find, read_error_untrusted, read_xor_address_untrusted

UNREACHABLE: Final = 701
"""RTCPeerConnectionIceErrorEvent's code for a server that no host candidate reaches (webrtc-pc section
4.8.3)."""

_SERVERS_PER_BASE: Final = 64
_RELAY_RANK: Final[dict[RelayProtocol, int]] = {"udp": 0, "tcp": 1, "tls": 2}


@dataclass(frozen=True, slots=True)
class CandidateError:
    """RTCPeerConnectionIceErrorEvent: `host` asked the server of `url`, which refused or cannot be
    reached."""

    url: str
    code: int
    text: str
    host: Address | None = None


class GatheringEvents(Protocol):
    """Who gathers."""

    def gathered(self, local: LocalCandidate) -> None:
        """A candidate."""

    def gathering_error(self, error: CandidateError) -> None:
        """A server brought none."""

    def gathering_state(self, state: GatheringState) -> None:
        """After `complete` nothing comes."""


@dataclass(slots=True)
class _Inquiry:
    """One URL: whether its name is being resolved, how many bases still ask it, whether it has answered
    any."""

    server: IceServer
    preference: int
    resolving: bool = False
    open: int = 0
    answered: bool = False


class Gatherer:
    """Gathers for one transport, once for each generation; sockets and allocations are kept between them."""

    def __init__(
        self,
        *,
        clock: Clock,
        machine: Machine,
        requests: Requests,
        bases: Bases,
        relays: Relays,
        foundations: Foundations,
        options: IceOptions,
        events: GatheringEvents,
    ) -> None:
        self.state = GatheringState.NEW
        self._clock = clock
        self._machine = machine
        self._requests = requests
        self._bases = bases
        self._relays = relays
        self._foundations = foundations
        self._options = options
        self._events = events
        self._ufrag = ""
        self._generation = 0
        self._known: set[tuple[SocketId, Address]] = set()
        self._inquiries: list[_Inquiry] = []
        self._jobs: list[partial[None]] = []
        self._pace: TimerHandle | None = None
        self._deadline: TimerHandle | None = None
        self._open_requests: set[int] = set()

    def set_options(self, options: IceOptions) -> None:
        """Counts from the next generation on (webrtc-pc section 4.4.1.6), credentials at once."""
        self._options = options
        self._relays.set_credentials(options.servers)

    def gather(self, ufrag: str) -> list[SocketId]:
        """Starts a generation; returns the sockets and relays that are gone since the last one."""
        self._stop()
        self._ufrag = ufrag
        self._generation += 1
        self._known.clear()
        self._enter(GatheringState.GATHERING)
        gone = self._bases.refresh()
        gone += self._relays.keep([base.socket for base in self._bases], self._options.servers)
        for base in (*self._bases, *self._bases.tcp):
            self._gather_host(base)
        # Datagrams that a stream repeats come too late: servers reached by UDP are preferred, TLS comes last.
        ranked = sorted(enumerate(self._options.servers), key=lambda one: _RELAY_RANK[one[1].relay_protocol])
        self._inquiries = [_Inquiry(server, rank + 1) for rank, (_, server) in enumerate(ranked)]
        for inquiry in self._inquiries:
            self._ask(inquiry)
        self._deadline = self._clock.call_later(self._options.gathering_timeout_s, self._time_out)
        self._finish_if_done()
        return gone

    def close(self) -> None:
        """Stops; sockets and allocations are others' to close."""
        self._generation += 1
        self._stop()

    def _enter(self, state: GatheringState) -> None:
        if self.state is not state:
            self.state = state
            self._events.gathering_state(state)

    def _is_current(self, generation: int) -> bool:
        """Whether what was begun then still counts."""
        return generation == self._generation and self.state is GatheringState.GATHERING

    def _stop(self) -> None:
        """Nothing under way counts any more."""
        for timer in (self._pace, self._deadline):
            if timer is not None:
                timer.cancel()
        self._pace = self._deadline = None
        self._jobs.clear()
        for request in self._open_requests:
            self._requests.forget(request)
        self._open_requests.clear()

    def _gather_host(self, base: Base) -> None:
        self._emit(base, CandidateType.HOST, base.address)
        public = self._options.address_mapping.get(base.address[0])
        if public is not None:
            self._emit(base, CandidateType.SERVER_REFLEXIVE, (public, base.address[1]))

    def _ask(self, inquiry: _Inquiry) -> None:
        uri = inquiry.server.uri
        if uri.scheme is Scheme.STUNS:
            self._fail(
                inquiry, UNREACHABLE, "stuns tells no UDP address: name the server with stun, or use turns"
            )
        elif uri.is_secure and uri.transport == "udp":
            self._fail(inquiry, UNREACHABLE, "turns over DTLS is not supported: leave transport=udp out")
        elif ip_version(uri.host) is not None:
            self._resolved(inquiry, (uri.host,))
        else:
            inquiry.resolving = True
            done = partial(self._name_resolved, inquiry, self._generation)
            self._machine.resolver.resolve(uri.host, done)

    def _name_resolved(self, inquiry: _Inquiry, generation: int, addresses: Sequence[str]) -> None:
        if self._is_current(generation):
            inquiry.resolving = False
            self._resolved(inquiry, addresses)
            self._finish_if_done()

    def _resolved(self, inquiry: _Inquiry, addresses: Sequence[str]) -> None:
        uri = inquiry.server.uri
        for base in self._bases:
            version = ip_version(base.address[0])
            host = next((one for one in addresses if ip_version(one) == version), None)
            if host is None or (uri.scheme is Scheme.STUN and self._options.relay_only):
                continue
            inquiry.open += 1
            job = self._allocate if uri.is_turn else self._bind
            self._jobs.append(partial(job, inquiry, base, (host, uri.port)))
        if not addresses:
            self._fail(inquiry, UNREACHABLE, f"the name {uri.host} cannot be resolved")
        elif not inquiry.open and not self._options.relay_only:
            self._fail(inquiry, UNREACHABLE, f"no address of this machine has the IP version of {uri.host}")
        if self._pace is None:
            self._next_job()

    def _next_job(self) -> None:
        """One new transaction each Ta (RFC 8445 section 14.2)."""
        self._pace = None
        if self._jobs:
            job = self._jobs.pop(0)
            self._pace = self._clock.call_later(self._options.pace_s, self._next_job)
            job()
        self._finish_if_done()

    def _bind(self, inquiry: _Inquiry, base: Base, server: Address) -> None:
        """A Binding request (RFC 8445 section 5.1.1.2)."""

        def ended(response: Response) -> None:
            self._open_requests.discard(request)
            self._bound(inquiry, base, server, response)

        request = self._requests.send(base.socket, server, Method.BINDING, (), ended)
        self._open_requests.add(request)

    def _bound(self, inquiry: _Inquiry, base: Base, server: Address, response: Response) -> None:
        value = find(response.attributes, AttributeType.XOR_MAPPED_ADDRESS)
        mapped = read_xor_address_untrusted(value, response.transaction) if value is not None else None
        if response.code == 0 and mapped is not None:
            inquiry.answered = True
            self._emit(base, CandidateType.SERVER_REFLEXIVE, mapped, inquiry=inquiry, server=server)
        elif response.code >= 0:
            value = find(response.attributes, AttributeType.ERROR_CODE)
            error = read_error_untrusted(value) if value is not None else None
            self._fail(inquiry, response.code or UNREACHABLE, error[1] if error is not None else "", base)
        self._settle(inquiry)

    def _allocate(self, inquiry: _Inquiry, base: Base, server: Address) -> None:
        """An allocation (RFC 8445 section 5.1.1.2), or the one that an earlier generation left."""
        credentials = inquiry.server.credentials
        if credentials is None:
            self._settle(inquiry)
            return
        generation = self._generation

        def found(relay: Relay) -> None:
            if self._is_current(generation):
                self._relayed(inquiry, base, relay)

        def failed(code: int, reason: str) -> None:
            if self._is_current(generation):
                if code >= 0:
                    self._fail(inquiry, code, reason, base)
                self._settle(inquiry)

        self._relays.ask(base, inquiry.server, server, credentials, RelayAsker(found, failed))

    def _relayed(self, inquiry: _Inquiry, base: Base, relay: Relay) -> None:
        """The server's answer brings a server-reflexive candidate, too, where it came to the base."""
        inquiry.answered = True
        server = relay.allocation.server
        if inquiry.server.relay_protocol == "udp" and not base.is_shared:
            self._emit(base, CandidateType.SERVER_REFLEXIVE, relay.mapped, inquiry=inquiry, server=server)
        self._emit(
            base,
            CandidateType.RELAYED,
            relay.relayed,
            inquiry=inquiry,
            server=server,
            relay=relay.allocation.relay,
            related=relay.mapped,
        )
        self._settle(inquiry)

    def _emit(
        self,
        base: Base,
        type_: CandidateType,
        address: Address,
        *,
        inquiry: _Inquiry | None = None,
        server: Address | None = None,
        relay: SocketId | None = None,
        related: Address | None = None,
    ) -> None:
        """Tells a candidate, unless it is redundant (RFC 8445 section 5.1.3) or hidden by policy."""
        socket = relay if relay is not None else base.socket
        if (socket, address) in self._known:
            return
        self._known.add((socket, address))
        if self._options.relay_only and type_ is not CandidateType.RELAYED:
            return
        lower = _SERVERS_PER_BASE * base.rank
        if inquiry is not None:
            lower += min(inquiry.preference, _SERVERS_PER_BASE - 1)
        preference = (
            MAX_LOCAL_PREFERENCE - lower
            if base.tcp_type is None
            else tcp_local_preference(base.tcp_type, MAX_TCP_LOCAL_PREFERENCE - lower)
        )
        protocol: CandidateProtocol = "udp" if base.tcp_type is None else "tcp"
        root = address if type_ is CandidateType.RELAYED else base.address
        if type_ is CandidateType.SERVER_REFLEXIVE:
            related = base.address
        candidate = Candidate(
            foundation=self._foundations.of(type_, root[0], "" if server is None else server[0], protocol),
            priority=candidate_priority(type_, preference, protocol),
            address=address[0],
            port=address[1],
            type=type_,
            related=related,
            protocol=protocol,
            tcp_type=base.tcp_type,
            ufrag=self._ufrag,
        )
        self._events.gathered(
            LocalCandidate(
                candidate=candidate,
                socket=socket,
                base=root,
                local_preference=preference,
                url=inquiry.server.url if inquiry is not None else None,
                relay_protocol=inquiry.server.relay_protocol if relay is not None and inquiry else None,
            )
        )

    def _fail(self, inquiry: _Inquiry, code: int, text: str, base: Base | None = None) -> None:
        """An answer that is an error; it counts as one, so that no 701 follows."""
        inquiry.answered = True
        host = base.address if base is not None and not self._options.relay_only else None
        self._events.gathering_error(CandidateError(inquiry.server.url, code, text, host))

    def _settle(self, inquiry: _Inquiry) -> None:
        inquiry.open -= 1
        if not inquiry.open and not inquiry.answered:
            self._fail(inquiry, UNREACHABLE, "the server does not answer")
        self._finish_if_done()

    def _time_out(self) -> None:
        """What has not answered by now is not waited for."""
        for inquiry in self._inquiries:
            if inquiry.resolving:
                self._fail(inquiry, UNREACHABLE, f"the name {inquiry.server.uri.host} cannot be resolved")
            elif inquiry.open and not inquiry.answered:
                self._fail(inquiry, UNREACHABLE, "the server does not answer")
        self._stop()
        self._enter(GatheringState.COMPLETE)

    def _finish_if_done(self) -> None:
        busy = self._jobs or any(inquiry.open or inquiry.resolving for inquiry in self._inquiries)
        if self.state is GatheringState.GATHERING and not busy:
            self._stop()
            self._enter(GatheringState.COMPLETE)
