"""One generation's checks: what the data plane is to check, what it found, and what is nominated (RFC 8445 7,
8)."""

from collections.abc import Callable
from typing import Protocol

from visavis.clock import Clock, TimerHandle
from visavis.dataplane.commands import Address, Nominate, PairId, SetPairs, SocketId, TransportId
from visavis.ice.candidate import OTHER_TCP_TYPE, Candidate, CandidateType, LocalCandidate
from visavis.ice.checklist import CandidatePair, CheckList, PairStatus, can_pair
from visavis.ice.nomination import best_valid, wait_for_better_s
from visavis.ice.options import IceOptions
from visavis.ice.remotes import RemoteCandidates
from visavis.stun import CommandSink
from visavis.turn import Allocation
from visavis.values import replace


class ChecksEvents(Protocol):
    """Who runs a generation."""

    def checks_changed(self) -> None:
        """There are other pairs, or one of them is in another state."""

    def checks_selected(self, pair: CandidatePair) -> None:
        """Media goes over this pair."""


class Checks:
    """Pairs of our and the peer's candidates. Nothing goes to the data plane before `start`.

    `allocation` finds the allocation that is a socket.
    """

    def __init__(
        self,
        *,
        transport: TransportId,
        plane: CommandSink,
        clock: Clock,
        options: IceOptions,
        controlling: bool,
        first_id: int,
        remotes: RemoteCandidates,
        allocation: Callable[[SocketId], Allocation | None],
        events: ChecksEvents,
    ) -> None:
        self.list = CheckList(options.max_pairs, first_id)
        self.locals: list[LocalCandidate] = []
        self.remotes = remotes
        self.controlling = controlling
        self._transport = transport
        self._plane = plane
        self._clock = clock
        self._options = options
        self._allocation = allocation
        self._events = events
        self._started = False
        self._stopped = False
        self._first_valid_s: float | None = None
        self._nominated: CandidatePair | None = None
        self._flush_timer: TimerHandle | None = None
        self._nomination_timer: TimerHandle | None = None
        self._tcp_timer: TimerHandle | None = None
        self._tcp_is_due = False

    def start(self) -> None:
        """The peer's credentials are known to the data plane."""
        self._started = True
        if self._options.tcp:
            self._tcp_timer = self._clock.call_later(self._options.tcp_wait_s, self._tcp_due)
        self._changed()

    def stop(self) -> None:
        """The generation is over; what is reported of it does not count."""
        self._stopped = True
        for timer in (self._flush_timer, self._nomination_timer, self._tcp_timer):
            if timer is not None:
                timer.cancel()

    def add_local(self, local: LocalCandidate) -> None:
        """Pairs a candidate of ours with all of the peer's."""
        self.locals.append(local)
        for remote in list(self.remotes):
            self._pair(local, remote)
        self._changed()

    def add_remote(self, remote: Candidate) -> None:
        """Pairs a candidate of the peer with all of ours; pairs that learnt it before get what it tells."""
        for pair in self.list:
            told = remote.protocol, remote.transport_address
            if (pair.remote.protocol, pair.remote.transport_address) == told:
                pair.remote = remote
        for local in self.locals:
            self._pair(local, remote)
        self._changed()

    def remove_socket(self, socket: SocketId) -> None:
        """A socket or relay is gone, and with it its candidates and pairs."""
        self.locals = [local for local in self.locals if local.socket != socket]
        self.list.remove_socket(socket)
        self._changed()

    def set_role(self, controlling: bool) -> None:
        """Priorities of pairs change with it (RFC 8445 section 6.1.2.3), and who nominates; nominations are
        void."""
        self.controlling = controlling
        self._nominated = None
        self._nominate()
        self._changed()

    def pair_state(self, pair: PairId, succeeded: bool, mapped: str, rtt_s: float) -> None:
        """A check ended (RFC 8445 section 7.2.5)."""
        known = self.list.get(pair)
        if known is None or self._stopped:
            return
        if succeeded:
            self._succeeded(known, mapped, rtt_s)
        else:
            known.status = PairStatus.FAILED
            if known is self._nominated and not known.nominated:
                self._nominated = None
            self._pair_tcp()
        self._nominate()
        self._events.checks_changed()

    def pair_learnt(self, pair: PairId, socket: SocketId, remote: Address, priority: int) -> None:
        """A peer-reflexive candidate (RFC 8445 section 7.3.1.3)."""
        local = self._sender(socket)
        if local is None or self._stopped:
            return
        protocol = local.candidate.protocol
        candidate = self.remotes.at(protocol, remote)
        if candidate is None:
            candidate = Candidate(
                foundation=f"prflx{pair}",
                priority=priority,
                address=remote[0],
                port=remote[1],
                type=CandidateType.PEER_REFLEXIVE,
                protocol=protocol,
                tcp_type=OTHER_TCP_TYPE.get(local.candidate.tcp_type),
            )
        if self.list.add_learnt(pair, local, candidate, self.controlling) is not None:
            self.remotes.learn(candidate)
        self._changed()

    def pair_selected(self, pair: PairId, nominated: bool) -> None:
        """Media goes over this pair."""
        known = self.list.get(pair)
        if known is None or self._stopped:
            return
        known.nominated = known.nominated or nominated
        known.status = PairStatus.SUCCEEDED
        self._events.checks_selected(known)

    def _pair(self, local: LocalCandidate, remote: Candidate) -> None:
        """A relayed one waits for the permission: without it the check would be lost at the server. TCP has
        its turn later, and only where it is needed."""
        if not can_pair(local, remote) or (remote.protocol == "tcp" and not self._wants_tcp):
            return
        allocation = self._allocation(local.socket)
        pair = self.list.add(local, remote, self.controlling, frozen=allocation is not None)
        if pair is not None and allocation is not None:
            allocation.permit(remote.transport_address, self._permitted(pair))

    @property
    def _wants_tcp(self) -> bool:
        """Whether datagrams have had their time, and have found no direct way."""
        direct = any(pair.status is PairStatus.SUCCEEDED and not pair.is_relayed for pair in self.list)
        return self._tcp_is_due and not direct

    def _tcp_due(self) -> None:
        self._tcp_is_due = True
        self._pair_tcp()

    def _pair_tcp(self) -> None:
        if self._wants_tcp:
            actives = [local for local in self.locals if local.candidate.tcp_type == "active"]
            for local in actives:
                for remote in list(self.remotes):
                    self._pair(local, remote)
            self._changed()

    def _permitted(self, pair: CandidatePair) -> Callable[[bool], None]:
        def done(granted: bool) -> None:
            if pair.status is PairStatus.FROZEN:
                pair.status = PairStatus.WAITING if granted else PairStatus.FAILED
                self._changed()

        return done

    def _sender(self, socket: SocketId) -> LocalCandidate | None:
        """The candidate that sends from a socket."""
        return next((local for local in self.locals if local.socket == socket and local.is_base), None)

    def _succeeded(self, pair: CandidatePair, mapped: str, rtt_s: float) -> None:
        pair.status = PairStatus.SUCCEEDED
        pair.rtt_s = rtt_s
        pair.total_rtt_s += rtt_s
        pair.responses += 1
        pair.local = self._seen_as(pair, mapped)
        if self._first_valid_s is None:
            self._first_valid_s = self._clock.monotonic()
        allocation = self._allocation(pair.socket)
        if allocation is not None:
            allocation.bind_channel(pair.remote.transport_address)

    def _seen_as(self, pair: CandidatePair, mapped: str) -> LocalCandidate:
        """The local candidate of a valid pair (RFC 8445 section 7.2.5.3.1): that at the address which the
        peer saw, one of ours or a new peer-reflexive one, which is not told."""
        host, _, port = mapped.rpartition(":")
        if not port.isdecimal():
            return pair.local
        address = (host.strip("[]"), int(port))
        if pair.local.candidate.tcp_type == "active" and address[0] == pair.local.base[0]:
            # Each of its streams has a port of its own.
            return pair.local
        for local in self.locals:
            if local.socket == pair.socket and local.candidate.transport_address == address:
                return local
        candidate = replace(
            pair.local.candidate,
            foundation=f"prflx{pair.id}",
            priority=pair.local.check_priority,
            address=address[0],
            port=address[1],
            type=CandidateType.PEER_REFLEXIVE,
            related=pair.local.base,
        )
        return replace(pair.local, candidate=candidate)

    def _nominate(self) -> None:
        """Regular nomination (RFC 8445 section 8.1.1), once unless the nominated pair fails."""
        if not self.controlling or self._nominated is not None or self._first_valid_s is None:
            return
        best = best_valid(self.list, controlling=True)
        if best is None:
            return
        if self._nomination_timer is not None:
            self._nomination_timer.cancel()
            self._nomination_timer = None
        waited_s = self._clock.monotonic() - self._first_valid_s
        wait_s = wait_for_better_s(
            best, self.list, waited_s, self._options.nomination_wait_s, self._options.relayed_wait_s
        )
        if wait_s > 0:
            self._nomination_timer = self._clock.call_later(wait_s, self._nominate)
            return
        self._nominated = best
        self._hand_down()
        self._plane.submit(Nominate(self._transport, best.id))

    def _changed(self) -> None:
        """The check list is another: it is handed down soon, once for all changes of the moment."""
        if self._flush_timer is None and self._started and not self._stopped:
            self._flush_timer = self._clock.call_later(0.0, self._hand_down)
        self._events.checks_changed()

    def _hand_down(self) -> None:
        if self._flush_timer is not None:
            self._flush_timer.cancel()
            self._flush_timer = None
            self._plane.submit(SetPairs(self._transport, self.list.to_check(self.controlling)))
