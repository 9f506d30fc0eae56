"""Who hears the reports about a transport: its owner, its ICE agent, its data channels."""

from collections.abc import Sequence
from typing import Protocol

from visavis.dataplane.commands import Address, PairId, SocketId


class TransportEvents(Protocol):
    """The owner of a transport, which hears the reports about it."""

    def transport_state(self, state: str, reason: str) -> None:
        """`connecting`, `connected`, `disconnected`, `failed` or `closed`; the reason is a word for logs."""

    def forwarding(self, slot: int, reason: str) -> None:
        """What a slot of the transport carries changed; the reason is one of `Forwarding`'s."""

    def audio_levels(self, levels: Sequence[tuple[int, int]]) -> None:
        """(track, level in dBov) of the transport's tracks with voice, the loudest first."""


class IceEvents(Protocol):
    """Who decides for the ICE agent of a full transport, and hears what its checks found."""

    def pair_state(self, pair: PairId, state: str, mapped: str, rtt_s: float, reason: str) -> None:
        """A pair's check ended: `succeeded` (`mapped` is "ip:port", as the peer saw us) or `failed`."""

    def pair_learnt(self, pair: PairId, socket: SocketId, remote: Address, priority: int) -> None:
        """A check came from a peer-reflexive candidate (RFC 8445 section 7.3.1.3), which is checked now."""

    def pair_selected(self, pair: PairId, reason: str) -> None:
        """From now on media goes over this pair: it was `nominated`, or is the `fallback` of a silent one."""

    def socket_lost(self, socket: SocketId) -> None:
        """A socket of the transport's own is gone, and so are the relays over it."""

    def role_changed(self, controlling: bool) -> None:
        """A role conflict (RFC 8445 section 7.3.1.1) was resolved by changing ours."""

    def stun_result(
        self, request: int, code: int, attributes: list[tuple[int, bytes]], rtt_s: float, transaction: bytes
    ) -> None:
        """A `SendStun` ended: 0 success, 300 to 699 the server's error, -1 nobody answered, -2 it could not
        be sent. `transaction` (12 bytes) opens XORed addresses."""


class AssociationEvents(Protocol):
    """The owner of a transport's association, which hears the reports about it."""

    def association_state(self, state: str, reason: str, inbound: int, outbound: int) -> None:
        """`connected`, with so many streams in each direction, `closed` or `failed`; the reason is a word for
        logs."""

    def messages_ready(self) -> None:
        """Something waits for `read_messages`; told once until that has said that no more waits."""
