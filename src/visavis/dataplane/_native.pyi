"""The contract between Python and the Rust data plane: `visavis.dataplane` is its only user.

Data plane threads never call Python. Commands go down in batches, reports come up in batches when
`DataPlane.fileno()` becomes readable. All times are seconds, all rates bits per second, all sizes bytes.
Reports are immutable; their constructors serve tests.
"""

from collections.abc import Sequence
from typing import final

from visavis.dataplane.commands import Command

__all__ = [
    "AudioLevels",
    "Certificate",
    "DataPlane",
    "Fatal",
    "Forwarding",
    "TrackState",
    "TransportState",
    "TransportStats",
    "__version__",
]

__version__: str

@final
class Certificate:
    """An ECDSA P-256 key with a self-signed X.509 certificate for DTLS; the key never reaches Python."""

    @staticmethod
    def generate() -> Certificate:
        """Makes a new one. Raises OSError when the system has no randomness."""
    @property
    def fingerprint(self) -> bytes:
        """SHA-256 of the DER form, 32 bytes (RFC 8122 section 5)."""

@final
class TransportState:
    """A transport changed state: `connecting` (a pair is validated), `connected` (DTLS done),
    `disconnected` (no authenticated check for 5 s), `failed` (30 s, or DTLS failed), `closed` (by either
    side). `reason` is a word for logs.

    `remote`: the peer's address as "ip:port", or "". `dtls_version`, `dtls_cipher`, `srtp_profile`: filled
    once connected.
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
    __match_args__ = ("transport", "state", "reason", "remote", "dtls_version", "dtls_cipher", "srtp_profile")

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
    picks one)."""

    def __new__(
        cls,
        addresses: Sequence[tuple[str, int]],
        *,
        threads: int,
        certificate: Certificate,
    ) -> DataPlane:
        """Binds and starts. Raises OSError (address in use, no permission; `filename` is the address),
        ValueError (not 1 to 64 addresses or threads, no IP address, no port)."""
    @property
    def local_addresses(self) -> list[tuple[str, int]]:
        """The bound addresses, with real ports."""
    def fileno(self) -> int:
        """A descriptor that is readable while reports wait. It belongs to the data plane; do not close it."""
    def submit(self, commands: Sequence[Command]) -> None:
        """Hands commands to their threads, in order per thread; does not wait for them. Raises ValueError
        or TypeError for a malformed command, RuntimeError after `close`, in a forked process, when the
        thread is lost or 65,536 commands wait for it; none of the batch is then submitted."""
    def drain(
        self,
    ) -> list[TransportState | TrackState | Forwarding | AudioLevels | TransportStats | Fatal]:
        """Takes all waiting reports, at most 4,096 a call; the descriptor stays readable while more wait.
        After `close` the last ones can still be taken. Raises RuntimeError in a forked process."""
    def counters(self) -> dict[str, int]:
        """What happened to packets since the start, by reason, over all threads."""
    def close(self) -> None:
        """Stops and joins the threads; each transport says close_notify. Idempotent; returns in bounded
        time. Raises RuntimeError in a forked process."""
