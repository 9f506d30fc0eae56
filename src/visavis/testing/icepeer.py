"""An ICE agent on a host of the virtual network, and two of them that tell each other their candidates."""

from collections.abc import Callable

from visavis.clock import Clock
from visavis.dataplane.commands import CloseTransport, ConnectTransport, DtlsRole, OpenTransport, TransportId
from visavis.ice import (
    Candidate,
    CandidateError,
    CandidatePair,
    Credentials,
    GatheringState,
    IceAgent,
    IceOptions,
    IceState,
    LocalCandidate,
    Machine,
)
from visavis.testing.iceplane import FakeIcePlane
from visavis.testing.network import Host

_TRANSPORT = TransportId(1)


class IcePeer:
    """Owns an agent as a peer connection would; what it hears is in its lists, and in `reached_s` when it was
    first in each state.

    `signal` gets each candidate as its SDP text, and None at the end.
    """

    def __init__(
        self,
        name: str,
        host: Host,
        *,
        controlling: bool,
        options: IceOptions | None = None,
        tie_breaker: int = 1,
        machine: Machine | None = None,
    ) -> None:
        """`machine` is the host's unless it is given."""
        self.name = name
        self.host = host
        self.plane = FakeIcePlane(host, name.encode())
        self.candidates: list[LocalCandidate] = []
        self.errors: list[CandidateError] = []
        self.gathering: list[GatheringState] = []
        self.selected: list[CandidatePair] = []
        self.states: list[IceState] = []
        self.reached_s: dict[IceState, float] = {}
        self.roles: list[bool] = []
        self.restarts: list[str] = []
        self.signal: Callable[[str | None], None] = lambda text: None
        self._generation = 0
        credentials = self._credentials()
        self.plane.submit(
            OpenTransport(
                _TRANSPORT,
                credentials.ufrag,
                credentials.password,
                lite=False,
                controlling=controlling,
                tie_breaker=tie_breaker,
            )
        )
        self.agent = IceAgent(
            transport=_TRANSPORT,
            plane=self.plane,
            clock=host.clock,
            machine=machine if machine is not None else host.machine,
            events=self,
            credentials=credentials,
            controlling=controlling,
            options=options,
        )
        self.plane.events = self.agent

    def _credentials(self) -> Credentials:
        self._generation += 1
        return Credentials(f"{self.name}{self._generation:07d}", f"{self.name}{self._generation:023d}")

    def start(self, remote: Credentials) -> None:
        """The peer's description came."""
        if self._generation == 1:
            self.plane.submit(
                ConnectTransport(_TRANSPORT, remote.ufrag, remote.password, DtlsRole.CLIENT, ())
            )
        self.agent.start(remote)

    def restart(self) -> None:
        """New credentials, new candidates."""
        self.agent.restart(self._credentials())

    def receive(self, text: str | None) -> None:
        """What the other signalled."""
        if text is None:
            self.agent.end_remote()
        else:
            self.agent.add_remote(Candidate.parse_untrusted(text))

    def close(self) -> None:
        """Ends the agent, then the transport."""
        self.agent.close()
        self.plane.submit(CloseTransport(_TRANSPORT))

    def candidate(self, candidate: LocalCandidate) -> None:
        """`AgentEvents`."""
        self.candidates.append(candidate)
        self.signal(f"candidate:{candidate.candidate.to_sdp()}")

    def candidate_error(self, error: CandidateError) -> None:
        """`AgentEvents`."""
        self.errors.append(error)

    def gathering_state(self, state: GatheringState) -> None:
        """`AgentEvents`."""
        self.gathering.append(state)
        if state is GatheringState.COMPLETE:
            self.signal(None)

    def selected_pair(self, pair: CandidatePair) -> None:
        """`AgentEvents`."""
        self.selected.append(pair)

    def ice_state(self, state: IceState) -> None:
        """`AgentEvents`."""
        self.states.append(state)
        self.reached_s.setdefault(state, self.host.clock.monotonic())

    def role(self, controlling: bool) -> None:
        """`AgentEvents`."""
        self.roles.append(controlling)

    def restart_wanted(self, reason: str) -> None:
        """`AgentEvents`."""
        self.restarts.append(reason)


def introduce(first: IcePeer, second: IcePeer, clock: Clock, signaling_s: float = 0.02) -> None:
    """Has two peers tell each other all that they gather, over a signaling channel that takes its time."""

    def channel(to: IcePeer) -> Callable[[str | None], None]:
        def send(text: str | None) -> None:
            clock.call_later(signaling_s, lambda: to.receive(text))

        return send

    first.signal, second.signal = channel(second), channel(first)


def meet(first: IcePeer, second: IcePeer, clock: Clock, signaling_s: float = 0.02) -> None:
    """An offer, an answer, and trickled candidates both ways."""
    introduce(first, second, clock, signaling_s)
    first.agent.gather()

    def offered() -> None:
        second.agent.gather()
        second.start(first.agent.credentials)
        clock.call_later(signaling_s, lambda: first.start(second.agent.credentials))

    clock.call_later(signaling_s, offered)
