"""The TURN client against a server on the virtual network (RFC 8656)."""

from dataclasses import dataclass, field

import pytest

from visavis.dataplane.commands import (
    AddRelay,
    Address,
    AddSocket,
    BindChannel,
    OpenTransport,
    RemoveSocket,
    SocketId,
    TransportId,
)
from visavis.stun import AttributeType, ErrorCode, LongTermCredentials, Method, Requests, Response
from visavis.stun.attributes import find
from visavis.testing.clock import ManualClock
from visavis.testing.iceplane import FakeIcePlane
from visavis.testing.network import Host, Internet
from visavis.testing.turnserver import FakeTurnServer
from visavis.turn import MALFORMED, Allocation, AllocationState

TRANSPORT = TransportId(1)
SOCKET, RELAY = SocketId(1000), SocketId(1001)
SERVER = ("198.51.100.2", 3478)
PEER = ("203.0.113.9", 5000)


@dataclass
class Owner:
    """What an allocation's owner hears."""

    given: list[tuple[Address, Address]] = field(default_factory=list[tuple[Address, Address]])
    ends: list[tuple[int, str]] = field(default_factory=list[tuple[int, str]])

    def allocated(self, allocation: Allocation, relayed: Address, mapped: Address) -> None:
        self.given.append((relayed, mapped))

    def ended(self, allocation: Allocation, code: int, reason: str) -> None:
        self.ends.append((code, reason))


class Reports:
    """Hands results of requests to `Requests`; nothing else is reported here."""

    def __init__(self, requests: Requests) -> None:
        self._requests = requests

    def stun_result(
        self, request: int, code: int, attributes: list[tuple[int, bytes]], rtt_s: float, transaction: bytes
    ) -> None:
        self._requests.handle_result(request, Response(code, tuple(attributes), rtt_s, transaction))

    def pair_state(self, pair: int, state: str, mapped: str, rtt_s: float, reason: str) -> None:
        raise AssertionError("no pairs here")

    def pair_learnt(self, pair: int, socket: int, remote: Address, priority: int) -> None:
        raise AssertionError("no pairs here")

    def pair_selected(self, pair: int, reason: str) -> None:
        raise AssertionError("no pairs here")

    def socket_lost(self, socket: int) -> None:
        raise AssertionError("no streams here")

    def role_changed(self, controlling: bool) -> None:
        raise AssertionError("no checks here")

    def transport_state(self, state: str, reason: str) -> None:
        raise AssertionError("no checks here")


class Client:
    def __init__(self, password: str = "secret", version: int = 4) -> None:
        self.clock = ManualClock()
        self.internet = Internet(self.clock)
        self.server = FakeTurnServer(self.clock, self.internet, SERVER[0], {"ada": "secret"})
        self.host = Host(self.clock, self.internet, "203.0.113.1")
        self.plane = FakeIcePlane(self.host)
        self.requests = Requests(TRANSPORT, self.plane)
        self.plane.events = Reports(self.requests)
        self.owner = Owner()
        descriptor, _ = self.host.open_socket("203.0.113.1", None)
        self.plane.submit(OpenTransport(TRANSPORT, "abcd", "p" * 24, lite=False))
        self.plane.submit(AddSocket(TRANSPORT, SOCKET, descriptor))
        self.allocation = Allocation(
            transport=TRANSPORT,
            plane=self.plane,
            requests=self.requests,
            clock=self.clock,
            relay=RELAY,
            socket=SOCKET,
            server=SERVER,
            credentials=LongTermCredentials("ada", password),
            version=version,
            events=self.owner,
        )

    def allocate(self) -> None:
        self.allocation.allocate()
        self.clock.advance(1.0)

    def permit(self, peer: Address = PEER) -> list[bool]:
        granted: list[bool] = []
        self.allocation.permit(peer, granted.append)
        self.clock.advance(1.0)
        return granted

    @property
    def codes(self) -> list[int]:
        return [code for code, _ in self.owner.ends]


def test_an_allocation_answers_the_challenge_and_becomes_a_socket() -> None:
    client = Client()
    client.allocate()
    assert client.allocation.state is AllocationState.ACTIVE
    assert client.owner.given == [(("198.51.100.2", 49152), ("203.0.113.1", 50000))]
    assert client.server.counted(Method.ALLOCATE) == 2
    assert client.plane.commands[-1] == AddRelay(TRANSPORT, RELAY, SOCKET, SERVER)
    first, second = client.server.requests
    assert find(first.attributes, AttributeType.REQUESTED_TRANSPORT) == b"\x11\0\0\0"
    assert (first.key is None, second.key is None) == (True, False)


def test_an_ipv6_relay_is_asked_for_by_its_family() -> None:
    client = Client(version=6)
    client.allocate()
    family = find(client.server.requests[0].attributes, AttributeType.REQUESTED_ADDRESS_FAMILY)
    assert family == b"\2\0\0\0"


def test_ipv6_peers_are_permitted_at_their_address() -> None:
    client = Client(version=6)
    client.allocate()
    assert client.permit(("2001:db8::9", 5000)) == [True]
    (allocation,) = client.server.allocations.values()
    assert list(allocation.permissions) == ["2001:db8::9"]


def test_a_wrong_password_ends_it_after_one_attempt() -> None:
    client = Client(password="wrong")
    client.allocate()
    assert client.codes == [ErrorCode.UNAUTHENTICATED]
    assert client.server.counted(Method.ALLOCATE) == 2


@pytest.mark.parametrize("code", [400, 403, 437, 440, 441, 442, 486, 500, 508])
def test_a_refusal_ends_it_with_its_code_and_reason(code: int) -> None:
    client = Client()
    client.server.refuse[Method.ALLOCATE] = code
    client.allocate()
    assert client.owner.ends == [(code, "No")]
    assert client.allocation.state is AllocationState.ENDED


def test_a_server_that_is_silent_ends_it_with_the_timeout() -> None:
    client = Client()
    client.server.deaf = True
    client.allocation.allocate()
    client.clock.advance(60.0)
    assert client.codes == [-1]


def test_a_success_without_addresses_is_malformed() -> None:
    client = Client()
    client.server.refuse[Method.ALLOCATE] = 0
    client.allocate()
    assert client.codes == [MALFORMED]


def test_a_stale_nonce_is_renewed_and_the_request_sent_again() -> None:
    client = Client()
    client.allocate()
    client.server.nonce = b"nonce-2"
    assert client.permit() == [True]
    assert client.server.counted(Method.CREATE_PERMISSION) == 2
    assert find(client.server.requests[-1].attributes, AttributeType.NONCE) == b"nonce-2"


def test_a_server_whose_nonces_are_always_stale_is_given_up() -> None:
    client = Client()
    client.server.refuse[Method.ALLOCATE] = 438
    client.allocate()
    assert client.codes == [438]
    assert client.server.counted(Method.ALLOCATE) <= 4


def test_a_redirection_is_followed() -> None:
    client = Client()
    other = FakeTurnServer(client.clock, client.internet, "198.51.100.3", {"ada": "secret"})
    client.server.alternate = other.address
    client.allocate()
    assert client.owner.given[0][0][0] == "198.51.100.3"
    assert client.allocation.server == other.address
    assert client.plane.commands[-1] == AddRelay(TRANSPORT, RELAY, SOCKET, other.address)


def test_redirections_in_a_circle_end() -> None:
    client = Client()
    client.server.alternate = SERVER
    client.allocate()
    assert client.codes == [ErrorCode.TRY_ALTERNATE]


def test_an_allocation_is_refreshed_for_as_long_as_it_is_used() -> None:
    client = Client()
    client.allocate()
    client.clock.advance(3600.0)
    assert client.allocation.state is AllocationState.ACTIVE
    assert len(client.server.allocations) == 1
    assert client.server.counted(Method.REFRESH) == 6


def test_a_refresh_that_is_refused_loses_it() -> None:
    client = Client()
    client.allocate()
    client.server.refuse[Method.REFRESH] = 437
    client.clock.advance(600.0)
    assert client.codes == [437]
    assert client.plane.commands[-1] == RemoveSocket(TRANSPORT, RELAY)


def test_a_refresh_without_answer_is_repeated_until_the_lifetime_is_over() -> None:
    client = Client()
    client.allocate()
    client.clock.advance(500.0)
    client.server.deaf = True
    client.clock.advance(85.0)
    client.server.deaf = False
    client.clock.advance(600.0)
    assert client.codes == []
    client.server.deaf = True
    client.clock.advance(1200.0)
    assert client.codes == [-1]


def test_a_permission_is_asked_for_once_and_kept_up() -> None:
    client = Client()
    client.allocate()
    assert client.permit() == [True]
    assert client.permit(("203.0.113.9", 6000)) == [True]
    assert client.server.counted(Method.CREATE_PERMISSION) == 1
    bound = [command for command in client.plane.commands if isinstance(command, BindChannel)]
    assert [(command.peer[1], command.channel) for command in bound] == [(5000, None), (6000, None)]
    client.clock.advance(3000.0)
    assert client.server.counted(Method.CREATE_PERMISSION) == 13
    (allocation,) = client.server.allocations.values()
    assert allocation.permissions["203.0.113.9"] > client.clock.monotonic()


def test_a_permission_that_is_refused_is_told_to_all_who_wait() -> None:
    client = Client()
    client.allocate()
    client.server.refuse[Method.CREATE_PERMISSION] = 403
    granted: list[bool] = []
    client.allocation.permit(PEER, granted.append)
    client.allocation.permit(("203.0.113.9", 6000), granted.append)
    client.clock.advance(1.0)
    assert granted == [False, False]
    assert not any(isinstance(command, BindChannel) for command in client.plane.commands)
    client.server.refuse.clear()
    assert client.permit() == [True]


def test_permissions_are_bounded() -> None:
    client = Client()
    client.allocate()
    granted: list[bool] = []
    for number in range(150):
        client.allocation.permit((f"203.0.113.{number}", 5000), granted.append)
    client.clock.advance(1.0)
    assert (granted.count(True), granted.count(False)) == (100, 50)


def test_a_channel_is_bound_once_and_kept_up() -> None:
    client = Client()
    client.allocate()
    client.permit()
    client.allocation.bind_channel(PEER)
    client.allocation.bind_channel(PEER)
    client.clock.advance(1.0)
    assert client.plane.commands[-1] == BindChannel(TRANSPORT, RELAY, PEER, 0x4000)
    client.clock.advance(2999.0)
    assert client.server.counted(Method.CHANNEL_BIND) == 6


def test_a_channel_outlives_another_wish_for_the_permission() -> None:
    """An ICE restart pairs the peer again: that must not take its channel away, by which the server sends."""
    client = Client()
    client.allocate()
    client.permit()
    client.allocation.bind_channel(PEER)
    client.clock.advance(1.0)
    assert client.permit() == [True]
    assert client.plane.commands[-1] == BindChannel(TRANSPORT, RELAY, PEER, 0x4000)


def test_a_channel_that_is_refused_leaves_indications() -> None:
    client = Client()
    client.allocate()
    client.server.refuse[Method.CHANNEL_BIND] = 508
    client.allocation.bind_channel(PEER)
    client.clock.advance(1.0)
    assert client.plane.commands[-1] == BindChannel(TRANSPORT, RELAY, PEER, None)


def test_closing_gives_the_allocation_back_and_leaves_no_timer() -> None:
    client = Client()
    client.allocate()
    client.permit()
    client.allocation.bind_channel(PEER)
    client.clock.advance(1.0)
    client.allocation.close()
    client.allocation.close()
    client.clock.advance(1.0)
    assert client.server.allocations == {}
    assert client.server.counted(Method.REFRESH) == 1
    requests = len(client.server.requests)
    client.clock.advance(2000.0)
    assert len(client.server.requests) == requests


def test_closing_while_the_server_answers_gives_back_what_it_gave() -> None:
    client = Client()
    client.allocation.allocate()
    client.clock.advance(0.035)
    client.allocation.close()
    client.clock.advance(1.0)
    assert client.server.allocations == {}
    assert client.owner.given == []


def test_new_credentials_count_from_the_next_request_on() -> None:
    client = Client()
    client.allocate()
    client.server.users["ada"] = "changed"
    client.allocation.set_credentials(LongTermCredentials("ada", "changed"))
    assert client.permit() == [True]
