"""The ICE agent of one transport (RFC 8445, 8838, 8863): it decides, the data plane checks."""

from collections.abc import Callable, Iterable

from visavis.clock import Clock
from visavis.dataplane.commands import (
    FIRST_OWN_SOCKET,
    Address,
    AnswerByRelaysOnly,
    PairId,
    RestartIce,
    SetIceRole,
    SocketId,
    TransportId,
)
from visavis.ice.bases import Base, Bases
from visavis.ice.candidate import Candidate, Foundations, LocalCandidate
from visavis.ice.checklist import OPEN, CandidatePair, PairStatus
from visavis.ice.checks import Checks
from visavis.ice.events import AgentEvents
from visavis.ice.gathering import CandidateError, Gatherer
from visavis.ice.liveness import Liveness, Patience
from visavis.ice.options import Credentials, IceOptions, Machine
from visavis.ice.relays import Relays
from visavis.ice.remotes import RemoteCandidates
from visavis.ice.states import Connection, GatheringState, IceState, Knowledge, ice_state
from visavis.stun import CommandSink, Requests, Response


class IceAgent:
    """Gathers, pairs, nominates, restarts. It is the `IceEvents` of its transport.

    The owner submits `OpenTransport` before it calls `gather`, and `ConnectTransport` before `start`, since
    both say things of DTLS too; it hands on the transport's states (`transport_state`), and submits
    `CloseTransport` after `close`. `add_remote` may be called at any time.
    """

    def __init__(
        self,
        *,
        transport: TransportId,
        plane: CommandSink,
        clock: Clock,
        machine: Machine,
        events: AgentEvents,
        credentials: Credentials,
        controlling: bool,
        options: IceOptions | None = None,
        foundations: Foundations | None = None,
    ) -> None:
        """`foundations` are shared by the transports of one connection."""
        self._transport = transport
        self._plane = plane
        self._clock = clock
        self._machine = machine
        self._events = events
        self._options = options if options is not None else IceOptions()
        self._requests = Requests(transport, plane)
        self._bases = Bases(transport, plane, machine, self._options, SocketId(FIRST_OWN_SOCKET))
        self._relays = Relays(
            transport=transport,
            plane=plane,
            requests=self._requests,
            clock=clock,
            machine=machine,
            new_socket=self._bases.new_socket,
            lost=self._relay_lost,
        )
        self._gatherer = Gatherer(
            clock=clock,
            machine=machine,
            requests=self._requests,
            bases=self._bases,
            relays=self._relays,
            foundations=foundations if foundations is not None else Foundations(),
            options=self._options,
            events=self,
        )
        self._closed = False
        self._generation = 0
        self._patience = Patience(clock, self._update)
        self._alive = Liveness(clock, self._update)
        self._held: list[Callable[[], None]] | None = None
        self._by_relays_only = False
        self.credentials = credentials
        self.remote_credentials: Credentials | None = None
        self.controlling = controlling
        self.state = IceState.NEW
        self.selected: CandidatePair | None = None
        self.selected_changes = 0
        self._checks = self._new_checks(1)

    @property
    def gathering(self) -> GatheringState:
        """RTCIceTransport.gatheringState; a pool does not show."""
        return self._gatherer.state if self._held is None else GatheringState.NEW

    @property
    def local_candidates(self) -> list[LocalCandidate]:
        """Those of this generation that were told."""
        return list(self._checks.locals) if self._held is None else []

    @property
    def remote_candidates(self) -> list[Candidate]:
        """Those of this generation, peer-reflexive ones too."""
        return list(self._checks.remotes)

    @property
    def pairs(self) -> list[CandidatePair]:
        """The check list, by priority."""
        return self._checks.list.ordered(self.controlling)

    @property
    def dropped(self) -> dict[str, int]:
        """How many of the peer's candidates, and how many pairs (`pairs`), were not taken, by reason."""
        return {**self._checks.remotes.dropped, "pairs": self._checks.list.dropped}

    def fill_pool(self) -> None:
        """Gathers ahead of need (RFC 9429 section 3.5.4): nothing is told before `gather`."""
        if self._gatherer.state is GatheringState.NEW:
            self._held = []
            self._gather()

    def gather(self) -> None:
        """Starts gathering, or tells what the pool holds; `restart` does it by itself."""
        if self._held is None:
            self._gather()
            return
        held, self._held = self._held, None
        for tell in held:
            tell()
        self._update()

    def set_role(self, controlling: bool) -> None:
        """The descriptions give the other role than that so far (RFC 8445 section 6.1.1)."""
        if not self._closed:
            self._plane.submit(SetIceRole(self._transport, controlling))
            self.role_changed(controlling)

    def start(self, remote: Credentials, *, is_another_peer: bool = False) -> None:
        """The peer's description is there: checks begin (RFC 8445 section 6.1), and with them the PAC timer.
        Where there were credentials of a peer, all begins anew with our candidates; what served
        `is_another_peer`'s place serves no more."""
        if self.remote_credentials == remote or self._closed:
            return
        if is_another_peer:
            self._alive.forget()
        if self.remote_credentials is not None:
            self._begin_generation(self._checks.locals)
        self.remote_credentials = remote
        if self._generation:
            ours = self.credentials
            self._plane.submit(
                RestartIce(self._transport, ours.ufrag, ours.password, remote.ufrag, remote.password)
            )
        self._patience.begin(self._options.patience_s)
        self._checks.start()

    def add_remote(self, candidate: Candidate) -> None:
        """Takes a candidate of the peer; what cannot be used is counted in `dropped`."""
        known = self.remote_credentials
        self._checks.remotes.add(candidate, known.ufrag if known is not None else None)

    def end_remote(self) -> None:
        """The peer has no more candidates (RFC 8838 section 13)."""
        self._checks.remotes.end()
        self._update()

    def restart(self, credentials: Credentials) -> None:
        """A new generation (RFC 8445 section 9): gathers again; `start` gets the peer's new credentials. The
        pair in use serves until a new one does."""
        if self._closed:
            return
        self._begin_generation(())
        self._held = None
        self.credentials = credentials
        self.remote_credentials = None
        self._plane.submit(RestartIce(self._transport, credentials.ufrag, credentials.password))
        self._gather()

    def set_options(self, options: IceOptions) -> None:
        """Counts from the next gathering on (webrtc-pc section 4.4.1.6); a server's new credentials at
        once."""
        self._options = options
        self._bases.set_options(options)
        self._gatherer.set_options(options)

    def network_changed(self) -> None:
        """The machine's addresses are others. When the one in use is gone, or none is in use, only a restart
        helps; what else is new is gathered on by the next restart."""
        gone = self._bases.missing()
        used = self._base_in_use()
        if used is not None and used.address[0] in gone:
            self._events.restart_wanted("the address in use is gone")
        elif self._alive.connection is not Connection.UP and self.remote_credentials is not None:
            self._events.restart_wanted("the network changed while there was no connection")

    def close(self) -> None:
        """Gives allocations back and falls silent; idempotent."""
        if not self._closed:
            self._closed = True
            self._alive.close()
            self._end_generation()
            self._gatherer.close()
            self._relays.close()
            self._update()

    # What the data plane reports.

    def pair_state(self, pair: PairId, state: str, mapped: str, rtt_s: float, reason: str) -> None:
        """`IceEvents`: a check ended."""
        self._checks.pair_state(pair, state == "succeeded", mapped, rtt_s)

    def pair_learnt(self, pair: PairId, socket: SocketId, remote: Address, priority: int) -> None:
        """`IceEvents`: a peer-reflexive candidate."""
        self._checks.pair_learnt(pair, socket, remote, priority)

    def pair_selected(self, pair: PairId, reason: str) -> None:
        """`IceEvents`: media goes over this pair."""
        self._checks.pair_selected(pair, reason == "nominated")

    def socket_lost(self, socket: SocketId) -> None:
        """`IceEvents`: the stream to a server ended, or streams of peers cannot be accepted any more."""
        self._relays.socket_lost(socket)
        if self._bases.lose(socket):
            self._checks.remove_socket(socket)

    def role_changed(self, controlling: bool) -> None:
        """`IceEvents`: RFC 8445 section 7.3.1.1."""
        if controlling is not self.controlling and not self._closed:
            self.controlling = controlling
            self._events.role(controlling)
            self._checks.set_role(controlling)

    def stun_result(
        self, request: int, code: int, attributes: list[tuple[int, bytes]], rtt_s: float, transaction: bytes
    ) -> None:
        """`IceEvents`: a request to a server ended."""
        self._requests.handle_result(request, Response(code, tuple(attributes), rtt_s, transaction))

    def transport_state(self, state: str, reason: str) -> None:
        """The owner hands on what `TransportEvents` hears: silence of the selected pair, and its end."""
        if not self._closed:
            self._alive.hear(state)

    # What the generation and the gatherer tell.

    def checks_changed(self) -> None:
        """`ChecksEvents`."""
        self._update()

    def checks_selected(self, pair: CandidatePair) -> None:
        """`ChecksEvents`: the pair is told before the state (webrtc-pc section 5.6)."""
        if pair is not self.selected:
            self.selected = pair
            self.selected_changes += 1
            self._events.selected_pair(pair)
        self._alive.select()
        self._update()

    def gathered(self, local: LocalCandidate) -> None:
        """`GatheringEvents`."""
        self._tell(lambda: self._events.candidate(local))
        self._checks.add_local(local)

    def gathering_error(self, error: CandidateError) -> None:
        """`GatheringEvents`."""
        self._tell(lambda: self._events.candidate_error(error))

    def gathering_state(self, state: GatheringState) -> None:
        """`GatheringEvents`."""
        self._tell(lambda: self._events.gathering_state(state))
        self._update()

    def _relay_lost(self, relay: SocketId) -> None:
        self._checks.remove_socket(relay)

    def _tell(self, event: Callable[[], None]) -> None:
        """A pool keeps its events for later."""
        if self._held is None:
            event()
        else:
            self._held.append(event)

    def _gather(self) -> None:
        if self._options.relay_only is not self._by_relays_only:
            self._by_relays_only = self._options.relay_only
            self._plane.submit(AnswerByRelaysOnly(self._transport, self._by_relays_only))
        for socket in self._gatherer.gather(self.credentials.ufrag):
            self._checks.remove_socket(socket)

    def _begin_generation(self, locals: Iterable[LocalCandidate]) -> None:
        self._generation += 1
        self._end_generation()
        self._alive.restart()
        self._checks = self._new_checks(self._checks.list.next_id)
        for local in locals:
            self._checks.add_local(local)

    def _new_checks(self, first_id: int) -> Checks:
        options = self._options
        remotes = RemoteCandidates(
            options.max_remote_candidates, self._machine.resolver, self._remote_changed
        )
        return Checks(
            transport=self._transport,
            plane=self._plane,
            clock=self._clock,
            options=options,
            controlling=self.controlling,
            first_id=first_id,
            remotes=remotes,
            allocation=self._relays.find,
            events=self,
        )

    def _remote_changed(self, remote: Candidate | None) -> None:
        if remote is not None:
            self._checks.add_remote(remote)
        else:
            self._update()

    def _end_generation(self) -> None:
        self._checks.stop()
        self._checks.remotes.close()
        self._patience.reset()

    def _base_in_use(self) -> Base | None:
        if self.selected is None:
            return None
        base = self._relays.base(self.selected.socket)
        return self._bases.get(base if base is not None else self.selected.socket)

    def _update(self) -> None:
        """Derives the state, and tells it if it changed. Once there is a connection, pairs that go on being
        learnt do not keep it from being completed."""
        connected = self._alive.connection is Connection.UP
        found = [pair.status for pair in self._checks.list if not (connected and pair.was_learnt)]
        state = ice_state(
            Knowledge(
                closed=self._closed,
                restarted=self._generation > 0,
                started=self.remote_credentials is not None,
                connection=self._alive.connection,
                selected_now=self.selected is not None
                and self._checks.list.get(self.selected.id) is self.selected,
                locals_gathered=self.gathering is GatheringState.COMPLETE,
                local_candidates=len(self._checks.locals),
                remotes_ended=self._checks.remotes.ended,
                remote_candidates=len(self._checks.remotes),
                open_pairs=sum(map(found.count, OPEN)),
                failed_pairs=found.count(PairStatus.FAILED),
                patience_over=self._patience.is_over,
            )
        )
        if state is not self.state:
            self.state = state
            self._events.ice_state(state)
