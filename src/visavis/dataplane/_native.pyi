"""The contract between Python and the Rust data plane: `visavis.dataplane` is its only user.

Data plane threads never call Python. Commands go down in batches, reports come up in batches when
`DataPlane.fileno()` becomes readable. All times are seconds, all rates bits per second, all sizes bytes.
Reports are immutable; their constructors serve tests.
"""

from collections.abc import Sequence
from typing import final

from typing_extensions import Buffer

from visavis.dataplane.commands import Command

__all__ = [
    "AssociationState",
    "AudioLevels",
    "Certificate",
    "DataPlane",
    "Fatal",
    "Forwarding",
    "Frame",
    "FrameReceiver",
    "FramesReady",
    "KeyFrameWanted",
    "MessagesReady",
    "PairLearnt",
    "PairSelected",
    "PairState",
    "RoleChanged",
    "SocketLost",
    "StunResult",
    "TargetBitrate",
    "TrackState",
    "TransportState",
    "TransportStats",
    "__version__",
]

__version__: str

@final
class Certificate:
    """An ECDSA key with a self-signed X.509 certificate for DTLS; the key never reaches Python."""

    @staticmethod
    def generate(curve: str = "P-256", *, valid_s: float = 31_536_000.0) -> Certificate:
        """Makes a new one over a curve, `P-256` or `P-384`, valid from now for so long.

        Raises ValueError for another curve or an impossible time, OSError when the system has no
        randomness."""
    @property
    def der(self) -> bytes:
        """The certificate in DER (RFC 5280)."""
    @property
    def fingerprint(self) -> bytes:
        """SHA-256 of the DER form, 32 bytes (RFC 8122 section 5)."""

@final
class TransportState:
    """A transport changed state: `connecting` (a pair is validated), `connected` (DTLS done),
    `disconnected` (nothing authentic came for 5 s, 8 s where it is lite), `failed` (no consent for 30 s, or
    DTLS failed), `closed` (by either side). `reason` is a word for logs.

    `remote`: the peer's address as "ip:port", or "". `dtls_version`, `dtls_cipher`, `srtp_profile`: filled
    once connected. `certificate`: the peer's, in DER, with `connected`.
    """

    def __new__(
        cls,
        transport: int,
        state: str,
        reason: str = ...,
        remote: str = ...,
        dtls_version: str = ...,
        dtls_cipher: str = ...,
        srtp_profile: str = ...,
        certificate: bytes = ...,
    ) -> TransportState: ...
    @property
    def transport(self) -> int: ...
    @property
    def state(self) -> str: ...
    @property
    def reason(self) -> str: ...
    @property
    def remote(self) -> str: ...
    @property
    def dtls_version(self) -> str: ...
    @property
    def dtls_cipher(self) -> str: ...
    @property
    def srtp_profile(self) -> str: ...
    @property
    def certificate(self) -> bytes: ...
    __match_args__ = (
        "transport",
        "state",
        "reason",
        "remote",
        "dtls_version",
        "dtls_cipher",
        "srtp_profile",
        "certificate",
    )

@final
class TrackState:
    """Media of a track layer started (`active`) or no packet came for 2 s (not `active`)."""

    def __new__(cls, track: int, layer: int, active: bool, payload_type: int) -> TrackState: ...
    @property
    def track(self) -> int: ...
    @property
    def layer(self) -> int: ...
    @property
    def active(self) -> bool: ...
    @property
    def payload_type(self) -> int: ...
    __match_args__ = ("track", "layer", "active", "payload_type")

@final
class Forwarding:
    """What a slot carries changed. `layer` is -1 when nothing is forwarded; `reason` is `ok`, `bandwidth`,
    `no-media`, `not-shown` (on no rung), `no-track` or `waiting-for-key-frame`."""

    def __new__(cls, transport: int, slot: int, layer: int, reason: str) -> Forwarding: ...
    @property
    def transport(self) -> int: ...
    @property
    def slot(self) -> int: ...
    @property
    def layer(self) -> int: ...
    @property
    def reason(self) -> str: ...
    __match_args__ = ("transport", "slot", "layer", "reason")

@final
class AudioLevels:
    """Who is heard: (track, smoothed level in dBov from -127 to 0), every 200 ms for tracks with voice,
    loudest first."""

    def __new__(cls, levels: list[tuple[int, int]]) -> AudioLevels: ...
    @property
    def levels(self) -> list[tuple[int, int]]: ...
    __match_args__ = ("levels",)

@final
class TransportStats:
    """Figures of one transport, named as in webrtc-stats where it has a name; `received` and `sent` have
    one dict per stream."""

    def __new__(
        cls,
        transport: int,
        values: dict[str, int | float | str],
        received: list[dict[str, int | float | str]],
        sent: list[dict[str, int | float | str]],
    ) -> TransportStats: ...
    @property
    def transport(self) -> int: ...
    @property
    def values(self) -> dict[str, int | float | str]: ...
    @property
    def received(self) -> list[dict[str, int | float | str]]: ...
    @property
    def sent(self) -> list[dict[str, int | float | str]]: ...
    __match_args__ = ("transport", "values", "received", "sent")

@final
class PairState:
    """A pair's check ended: `state` is `succeeded` or `failed`, which is also said of a pair that was valid
    and has not answered for 30 s. `mapped`: our address as the peer saw it, as "ip:port", or "". `reason`
    says in a few words why it failed."""

    def __new__(
        cls,
        transport: int,
        pair: int,
        state: str,
        mapped: str = ...,
        rtt_s: float = ...,
        reason: str = ...,
    ) -> PairState: ...
    @property
    def transport(self) -> int: ...
    @property
    def pair(self) -> int: ...
    @property
    def state(self) -> str: ...
    @property
    def mapped(self) -> str: ...
    @property
    def rtt_s(self) -> float: ...
    @property
    def reason(self) -> str: ...
    __match_args__ = ("transport", "pair", "state", "mapped", "rtt_s", "reason")

@final
class PairLearnt:
    """A check came from a peer-reflexive candidate (RFC 8445 section 7.3.1.3): `remote` is its (ip, port),
    `priority` what the check said of it. The pair is checked by itself, at the end of the list unless
    `SetPairs` names it; it stays until ICE restarts."""

    def __new__(
        cls, transport: int, pair: int, socket: int, remote: tuple[str, int], priority: int
    ) -> PairLearnt: ...
    @property
    def transport(self) -> int: ...
    @property
    def pair(self) -> int: ...
    @property
    def socket(self) -> int: ...
    @property
    def remote(self) -> tuple[str, int]: ...
    @property
    def priority(self) -> int: ...
    __match_args__ = ("transport", "pair", "socket", "remote", "priority")

@final
class PairSelected:
    """Media goes over this pair from now on: it was `nominated`, or is the `fallback` of one that fell
    silent or is gone. Before that it may go over the first pair that succeeded."""

    def __new__(cls, transport: int, pair: int, reason: str) -> PairSelected: ...
    @property
    def transport(self) -> int: ...
    @property
    def pair(self) -> int: ...
    @property
    def reason(self) -> str: ...
    __match_args__ = ("transport", "pair", "reason")

@final
class RoleChanged:
    """A role conflict (RFC 8445 section 7.3.1.1) was resolved by changing ours; nominations are void."""

    def __new__(cls, transport: int, controlling: bool) -> RoleChanged: ...
    @property
    def transport(self) -> int: ...
    @property
    def controlling(self) -> bool: ...
    __match_args__ = ("transport", "controlling")

@final
class SocketLost:
    """A socket of the transport's own cannot be used any more: it was none, the server ended its stream,
    or streams of peers cannot be accepted by it.
    It is gone, with the relays over it."""

    def __new__(cls, transport: int, socket: int) -> SocketLost: ...
    @property
    def transport(self) -> int: ...
    @property
    def socket(self) -> int: ...
    __match_args__ = ("transport", "socket")

@final
class StunResult:
    """A `SendStun` ended. `code`: 0 success, 300 to 699 the server's error, -1 no answer for 39.5 s, -2 not
    sent (no such socket, the system refused, or 128 requests wait). `attributes` are those that the
    integrity covers, in their order; `transaction` (12 bytes) opens XORed addresses."""

    def __new__(
        cls,
        transport: int,
        request: int,
        code: int,
        attributes: list[tuple[int, bytes]] = ...,
        rtt_s: float = ...,
        transaction: bytes = ...,
    ) -> StunResult: ...
    @property
    def transport(self) -> int: ...
    @property
    def request(self) -> int: ...
    @property
    def code(self) -> int: ...
    @property
    def attributes(self) -> list[tuple[int, bytes]]: ...
    @property
    def rtt_s(self) -> float: ...
    @property
    def transaction(self) -> bytes: ...
    __match_args__ = ("transport", "request", "code", "attributes", "rtt_s", "transaction")

@final
class KeyFrameWanted:
    """The encoder of a local source is asked for a key frame of a layer: somebody who gets it cannot go on
    without. Requests are merged, at most one each 500 ms, and repeated more and more slowly until one
    comes."""

    def __new__(cls, track: int, layer: int) -> KeyFrameWanted: ...
    @property
    def track(self) -> int: ...
    @property
    def layer(self) -> int: ...
    __match_args__ = ("track", "layer")

@final
class TargetBitrate:
    """What the network carries now of a transport on which a local source of its own thread sends, all its
    media together: told at first, then at most each 100 ms where it changed by 5 %."""

    def __new__(cls, transport: int, bps: int) -> TargetBitrate: ...
    @property
    def transport(self) -> int: ...
    @property
    def bps(self) -> int: ...
    __match_args__ = ("transport", "bps")

@final
class FramesReady:
    """Frames, or the end, wait at a receiver that asked to be announced; told once until `try_get` or
    `wait` has found nothing more."""

    def __new__(cls, track: int) -> FramesReady: ...
    @property
    def track(self) -> int: ...
    __match_args__ = ("track",)

@final
class AssociationState:
    """The SCTP association of a transport is `connected`, with so many streams in each direction; `closed`
    by either end, or with its transport; or `failed`. The reason is a word for logs. After the last two
    what came before can still be read, until `CloseTransport`."""

    def __new__(
        cls,
        transport: int,
        state: str,
        reason: str = ...,
        inbound: int = ...,
        outbound: int = ...,
        association: int = ...,
    ) -> AssociationState: ...
    @property
    def transport(self) -> int: ...
    @property
    def state(self) -> str: ...
    @property
    def reason(self) -> str: ...
    @property
    def inbound(self) -> int: ...
    @property
    def outbound(self) -> int: ...
    @property
    def association(self) -> int: ...
    __match_args__ = ("transport", "state", "reason", "inbound", "outbound", "association")

@final
class MessagesReady:
    """Something waits for `read_messages`: messages, resets, or that messages have left; told once until
    that has said that no more waits."""

    def __new__(cls, transport: int) -> MessagesReady: ...
    @property
    def transport(self) -> int: ...
    __match_args__ = ("transport",)

@final
class Frame:
    """A whole encoded frame of a track, as its publisher's encoder made it."""

    def __new__(
        cls,
        data: bytes,
        timestamp: int,
        payload_type: int,
        *,
        key: bool = ...,
        received_s: float = ...,
        capture_time_s: float | None = ...,
        audio_level: int | None = ...,
        voice: bool = ...,
        ssrc: int = ...,
        csrcs: tuple[int, ...] | None = ...,
        lost_before: int = ...,
    ) -> Frame: ...
    @property
    def data(self) -> bytes:
        """The encoded frame, without its payload descriptors; of H.264 a byte stream with start codes (Annex
        B)."""
    @property
    def timestamp(self) -> int:
        """In ticks of the payload's clock: the RTP timestamp is in the low 32 bits. It does not wrap, and
        lies above all of earlier streams of the track."""
    @property
    def payload_type(self) -> int: ...
    @property
    def key(self) -> bool:
        """Whether a decoder can start with it; always so for audio."""
    @property
    def received_s(self) -> float:
        """When its last packet came, on the clock of `time.monotonic()`."""
    @property
    def capture_time_s(self) -> float | None:
        """When it was captured, on the same clock, as the publisher's sender reports tell: early by the
        shortest time that one of them was under way, the same for all tracks of a transport. None before the
        first report."""
    @property
    def audio_level(self) -> int | None:
        """-127 (silence) to 0 dBov (RFC 6464); None if the publisher does not say."""
    @property
    def voice(self) -> bool:
        """Whether the publisher's encoder takes it for speech (RFC 6464)."""
    @property
    def ssrc(self) -> int:
        """The stream's; 0 for a local source."""
    @property
    def csrcs(self) -> tuple[int, ...]:
        """The sources that a mixer put together (RFC 3550 section 5.1)."""
    @property
    def lost_before(self) -> int:
        """How many frames are known to be missing right before it: lost on the network, or dropped because
        nobody took them in time."""

@final
class FrameReceiver:
    """The frames of one layer of a track. All methods may be called from any thread, and raise RuntimeError
    in a forked process."""

    def wait(self, timeout_s: float) -> Frame | None:
        """The oldest frame that waits, else the next that comes within `timeout_s`, at most an hour; None if
        none does or the track has ended. Other threads run meanwhile."""
    def try_get(self) -> Frame | None:
        """The oldest frame that waits."""
    @property
    def is_ended(self) -> bool:
        """The track has ended, and all its frames were taken."""
    @property
    def dropped(self) -> int:
        """How many frames were dropped because they were not taken in time."""
    def close(self) -> None:
        """Nothing comes any more, and what waits is dropped; threads that wait return. Idempotent. A
        receiver that nobody holds is closed as well."""

@final
class Fatal:
    """A data plane thread is lost by a defect of its own, with all its transports; the others go on."""

    def __new__(cls, thread: int, message: str) -> Fatal: ...
    @property
    def thread(self) -> int: ...
    @property
    def message(self) -> str: ...
    __match_args__ = ("thread", "message")

@final
class DataPlane:
    """The data plane: `threads` threads which share each UDP address in `addresses` (ip, port; port 0
    picks one). There may be none: transports can have sockets of their own."""

    def __new__(
        cls,
        addresses: Sequence[tuple[str, int]],
        *,
        threads: int,
        certificate: Certificate,
    ) -> DataPlane:
        """Binds and starts. Raises OSError (address in use, no permission; `filename` is the address),
        ValueError (more than 64 addresses, not 1 to 64 threads, no IP address, no port)."""
    @property
    def local_addresses(self) -> list[tuple[str, int]]:
        """The bound addresses, with real ports."""
    def fileno(self) -> int:
        """A descriptor that is readable while reports wait. It belongs to the data plane; do not close it."""
    def submit(self, commands: Sequence[Command]) -> None:
        """Hands commands to their threads, in order per thread; does not wait for them. Raises ValueError
        or TypeError for a malformed command, RuntimeError after `close`, in a forked process, when the
        thread is lost or 65,536 commands wait for it; none of the batch is then submitted, and no
        descriptor taken over."""
    def drain(
        self,
    ) -> list[
        TransportState
        | TrackState
        | Forwarding
        | AudioLevels
        | TransportStats
        | PairState
        | PairLearnt
        | PairSelected
        | RoleChanged
        | SocketLost
        | StunResult
        | KeyFrameWanted
        | TargetBitrate
        | FramesReady
        | AssociationState
        | MessagesReady
        | Fatal
    ]:
        """Takes all waiting reports, at most 4,096 a call; the descriptor stays readable while more wait.
        After `close` the last ones can still be taken. Raises RuntimeError in a forked process."""
    def send_frame(
        self,
        track: int,
        payload_type: int,
        timestamp: int,
        data: Buffer,
        *,
        key: bool,
        layer: int = ...,
        capture_time_s: float | None = ...,
        audio_level: int | None = ...,
        voice: bool = ...,
    ) -> bool:
        """Hands an encoded frame to the thread of a source that `OpenSource` opened; `data` is copied. Any
        thread may call it.

        `timestamp` is the RTP timestamp (32 bits), `capture_time_s` on the clock of `time.monotonic()`
        (None: now) ties it to the clock of sender reports; `key` says that a decoder can start with the
        frame; `audio_level` is -127 to 0 dBov, `voice` whether it is speech (RFC 6464).

        False if 64 frames or 8 MiB wait already: the frame is dropped, and of video each that follows, until
        a key frame. Raises ValueError (no such source, payload type or layer; an empty frame, one above 2
        MiB, or for audio 1,400 bytes; a `key` that the frame's own bits deny), TypeError or BufferError (no
        bytes), RuntimeError (closed, or a forked process)."""
    def receive_frames(
        self, track: int, kind: str, *, layer: int = ..., capacity: int = ..., announces: bool = ...
    ) -> FrameReceiver:
        """Begins to give out the frames of a layer of a track that a transport receives, or of a local
        source, whether or not it is forwarded besides. One that there is not ends at once.

        Video begins with a key frame, which is asked for, and goes on without a gap: a packet that is not
        there after 500 ms costs the frames up to the next key frame, which is asked for. An audio packet is
        waited for 60 ms.

        `capacity` frames (1 to 4,096; 64) and 16 MiB may wait. When they are full the oldest go; of video
        all do, up to the next key frame, which is asked for. `announces`: a `FramesReady` tells when frames
        begin to wait.

        Raises ValueError (no such thread or kind, an impossible capacity), RuntimeError as `submit`."""
    def send_message(
        self,
        transport: int,
        stream: int,
        ppid: int,
        data: Buffer,
        *,
        ordered: bool = ...,
        max_retransmits: int | None = ...,
        lifetime_ms: int | None = ...,
        priority: int = ...,
    ) -> bool:
        """Hands a message to the association that `OpenAssociation` opened; `data` is copied. Any thread may
        call it. It leaves once the association is connected.

        `max_retransmits` or `lifetime_ms` gives it up in the end (RFC 3758); `priority` is the channel's
        (RFC 8831 section 6.4): what has more leaves before.

        False: 64 MiB wait to be sent, and this message is refused; nothing that was accepted is lost.
        Raises ValueError (no association open, no such stream, no data, both limits), TypeError or
        BufferError (no bytes), RuntimeError (closed, or a forked process)."""
    def read_messages(
        self, transport: int
    ) -> tuple[list[tuple[int, int, bytes]], list[tuple[int, int]], bool]:
        """Takes what waits of an association: (arrived, left, more). Any thread may call it.

        `arrived` are (stream, PPID, data), of each stream in the order of arrival, streams in turns; PPID -1:
        the peer has reset its stream; -2: ours is reset. `left` are (stream, bytes): so much has left its
        queue, or was given up. `more`: more has arrived than is read at once, some 256 KiB or 256 messages.

        What was read counts against the window until `release_messages`. When 65,536 messages wait to be
        read, no more are taken from the association. Raises ValueError (no association open), RuntimeError
        in a forked process."""
    def release_messages(self, transport: int, count_bytes: int) -> None:
        """So many bytes of what was read are used up: the peer may send as many more. Any thread may call
        it. Raises ValueError (no association open), RuntimeError (closed, or a forked process)."""
    def counters(self) -> dict[str, int]:
        """What happened to packets and frames since the start, by reason, over all threads."""
    def close(self) -> None:
        """Stops and joins the threads; each transport says close_notify. Idempotent; returns in bounded
        time. Raises RuntimeError in a forked process."""
