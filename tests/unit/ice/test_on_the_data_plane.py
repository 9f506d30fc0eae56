"""Two agents over the real data plane, on loopback."""

import asyncio
import secrets
from collections.abc import Callable

from visavis.clock import LoopClock
from visavis.dataplane import Plane
from visavis.dataplane.commands import CloseTransport, ConnectTransport, DtlsRole, OpenTransport
from visavis.ice import (
    Candidate,
    CandidateError,
    CandidatePair,
    CandidateType,
    Credentials,
    GatheringState,
    IceAgent,
    IceOptions,
    IceState,
    LocalCandidate,
)
from visavis.ice.machine import LoopResolver, this_machine

WAIT_S = 20.0


class Peer:
    """A transport of its own plane, and the agent that decides for it."""

    def __init__(self, *, controlling: bool) -> None:
        loop = asyncio.get_running_loop()
        self.plane = Plane.start([], threads=1)
        self.plane.attach(loop)
        self.transport = self.plane.new_transport()
        self.selected: list[CandidatePair] = []
        self.states: asyncio.Queue[IceState] = asyncio.Queue()
        self.secured: asyncio.Future[None] = loop.create_future()
        self.roles: list[bool] = []
        self.dtls_role = DtlsRole.CLIENT if controlling else DtlsRole.SERVER
        self._loop = loop
        self.receiver: Callable[[str | None], None] = lambda text: None
        credentials = self.new_credentials()
        self.plane.on_transport(self.transport, self)
        self.plane.submit(
            OpenTransport(
                self.transport,
                credentials.ufrag,
                credentials.password,
                lite=False,
                controlling=controlling,
                tie_breaker=secrets.randbits(64),
            )
        )
        self.agent = IceAgent(
            transport=self.transport,
            plane=self.plane,
            clock=LoopClock(loop),
            machine=this_machine(LoopResolver(loop)),
            events=self,
            credentials=credentials,
            controlling=controlling,
            options=IceOptions(accept=lambda interface: interface.address == "127.0.0.1"),
        )
        self.plane.on_ice(self.transport, self.agent)

    def new_credentials(self) -> Credentials:
        return Credentials(self.plane.new_ufrag(self.transport), self.plane.new_password())

    def connect(self, other: "Peer") -> None:
        remote = other.agent.credentials
        self.plane.submit(
            ConnectTransport(
                self.transport, remote.ufrag, remote.password, self.dtls_role, (other.plane.fingerprint,)
            )
        )
        self.agent.start(remote)

    def receive(self, text: str | None) -> None:
        if text is None:
            self.agent.end_remote()
        else:
            self.agent.add_remote(Candidate.parse_untrusted(text))

    async def reach(self, state: IceState) -> None:
        async with asyncio.timeout(WAIT_S):
            while await self.states.get() is not state:
                pass

    def close(self) -> None:
        self.agent.close()
        self.plane.submit(CloseTransport(self.transport))
        self.plane.close()

    def candidate(self, candidate: LocalCandidate) -> None:
        self._loop.call_soon(self.receiver, f"candidate:{candidate.candidate.to_sdp()}")

    def candidate_error(self, error: CandidateError) -> None:
        raise AssertionError(error)

    def gathering_state(self, state: GatheringState) -> None:
        if state is GatheringState.COMPLETE:
            self._loop.call_soon(self.receiver, None)

    def selected_pair(self, pair: CandidatePair) -> None:
        self.selected.append(pair)

    def ice_state(self, state: IceState) -> None:
        self.states.put_nowait(state)

    def role(self, controlling: bool) -> None:
        self.roles.append(controlling)

    def restart_wanted(self, reason: str) -> None:
        raise AssertionError(reason)

    def transport_state(self, state: str, reason: str) -> None:
        self.agent.transport_state(state, reason)
        if state == "connected" and not self.secured.done():
            self.secured.set_result(None)

    def forwarding(self, slot: int, reason: str) -> None:
        raise AssertionError("nothing is forwarded")

    def audio_levels(self, levels: object) -> None:
        raise AssertionError("nothing is heard")


def start(ada: Peer, bob: Peer) -> None:
    """Each tells the other all that it gathers, and both start."""
    for one, other in ((ada, bob), (bob, ada)):
        one.receiver = other.receive
        one.agent.gather()
    ada.connect(bob)
    bob.connect(ada)


async def test_two_agents_connect_and_dtls_follows() -> None:
    ada, bob = Peer(controlling=True), Peer(controlling=False)
    start(ada, bob)
    for peer in (ada, bob):
        await peer.reach(IceState.COMPLETED)
        async with asyncio.timeout(WAIT_S):
            await peer.secured
    (pair,) = ada.selected
    assert (pair.local.candidate.type, pair.remote.type) == (CandidateType.HOST, CandidateType.HOST)
    (mirrored,) = bob.selected
    assert mirrored.local.candidate.transport_address == pair.remote.transport_address
    assert mirrored.remote.transport_address == pair.local.candidate.transport_address
    assert pair.rtt_s is not None
    ada.close()
    bob.close()


async def test_conflicting_roles_are_resolved() -> None:
    ada, bob = Peer(controlling=True), Peer(controlling=True)
    for one, other, role in ((ada, bob, DtlsRole.CLIENT), (bob, ada, DtlsRole.SERVER)):
        one.receiver = other.receive
        one.dtls_role = role
        one.agent.gather()
    ada.connect(bob)
    bob.connect(ada)
    for peer in (ada, bob):
        await peer.reach(IceState.COMPLETED)
    assert sorted(ada.roles + bob.roles) == [False]
    assert ada.agent.controlling is not bob.agent.controlling
    ada.close()
    bob.close()


async def test_a_restart_selects_a_new_pair_without_losing_the_old_one() -> None:
    ada, bob = Peer(controlling=True), Peer(controlling=False)
    start(ada, bob)
    for peer in (ada, bob):
        await peer.reach(IceState.COMPLETED)
    ada.agent.restart(ada.new_credentials())
    bob.agent.restart(bob.new_credentials())
    ada.agent.start(bob.agent.credentials)
    bob.agent.start(ada.agent.credentials)
    for peer in (ada, bob):
        await peer.reach(IceState.COMPLETED)
        assert [one.nominated for one in peer.selected] == [True, True]
    ada.close()
    bob.close()
