"""What the server and its transports tell each other through session descriptions (RFC 9429)."""

from dataclasses import dataclass, field

from visavis.dataplane.commands import Codec, DtlsRole, Extension, Fingerprint, Kind
from visavis.sdp import Candidate, SessionDescription


@dataclass(frozen=True, slots=True)
class LocalTransport:
    """Our end of a transport: what ICE (RFC 8839) and DTLS (RFC 8122) need the peer to know of it."""

    ufrag: str
    password: str = field(repr=False)
    fingerprint: Fingerprint
    candidates: tuple[Candidate, ...]
    ice_lite: bool = True


@dataclass(frozen=True, slots=True)
class RemoteTransport:
    """The peer's end of a transport; `role` is ours, as its `a=setup` leaves it (RFC 8842 section 5)."""

    ufrag: str
    password: str = field(repr=False)
    fingerprints: tuple[Fingerprint, ...]
    role: DtlsRole

    def restarts_ice(self, before: "RemoteTransport") -> bool:
        """Whether who described `before` restarts ICE by this (RFC 8839 section 4.4.3.1.1).

        A peer has to change both its credentials; one that changes either is taken at its word.
        """
        return (self.ufrag, self.password) != (before.ufrag, before.password)


@dataclass(frozen=True, slots=True)
class NegotiatedCodec:
    """A codec both ends agreed to, under the peer's payload type numbers, with its RTX (RFC 4588)."""

    name: Codec
    mime: str
    payload_type: int
    rtx_payload_type: int | None
    clock_hz: int
    channels: int
    parameters: dict[str, str]
    nack: bool
    pli: bool
    fir: bool
    transport_cc: bool


@dataclass(frozen=True, slots=True)
class ReceivingSection:
    """An audio or video m-line of a publisher: `active` when the peer sends on it after this exchange.

    `ssrcs` are pairs (SSRC, its RTX SSRC or None); `rids` are in the order of `a=simulcast`; `msid` is its
    `stream track` as the peer wrote it.
    """

    mid: str
    kind: Kind
    active: bool
    codecs: tuple[NegotiatedCodec, ...]
    extensions: dict[int, Extension]
    ssrcs: tuple[tuple[int, int | None], ...]
    rids: tuple[str, ...]
    msid: str | None


@dataclass(frozen=True, slots=True)
class PublisherAnswer:
    """Our answer to a publisher's offer, and what both agreed to; `sections` in the order of the m-lines.

    `reduced_size_rtcp` when all m-lines of the bundle have `a=rtcp-rsize` (RFC 5506 section 5), as they share
    one transport.
    """

    description: SessionDescription
    remote: RemoteTransport
    sections: tuple[ReceivingSection, ...]
    extensions: dict[int, Extension]
    reduced_size_rtcp: bool


@dataclass(frozen=True, slots=True)
class OfferedSection:
    """An m-line on which we send to a subscriber; one that is not `active` waits to be used again."""

    mid: str
    kind: Kind
    ssrc: int
    rtx_ssrc: int | None
    cname: str
    stream_id: str | None
    track_id: str | None
    active: bool


@dataclass(frozen=True, slots=True)
class SubscriberCodecs:
    """The payload types of our offers that a subscriber accepted; a kind it has not answered yet is empty."""

    audio: frozenset[int] = field(default_factory=frozenset[int])
    video: frozenset[int] = field(default_factory=frozenset[int])

    def __or__(self, other: "SubscriberCodecs") -> "SubscriberCodecs":
        """All that either answer accepted."""
        return SubscriberCodecs(self.audio | other.audio, self.video | other.video)

    def of(self, kind: Kind) -> frozenset[int]:
        """The payload types accepted for one kind."""
        return self.audio if kind is Kind.AUDIO else self.video


@dataclass(frozen=True, slots=True)
class SendingSection:
    """An m-line of a subscriber's answer; `accepted` when it takes media on it now."""

    mid: str
    kind: Kind
    accepted: bool
    codecs: tuple[NegotiatedCodec, ...]
    extensions: dict[int, Extension]


@dataclass(frozen=True, slots=True)
class SubscriberAnswer:
    """What a subscriber agreed to; `codecs` shortens the offers that follow."""

    remote: RemoteTransport
    sections: tuple[SendingSection, ...]
    extensions: dict[int, Extension]
    codecs: SubscriberCodecs
