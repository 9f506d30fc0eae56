"""What the SFU needs of the data plane: `visavis.dataplane.Plane` is one, the test kit's is another."""

from collections.abc import Sequence
from typing import Protocol

from visavis.dataplane.commands import Command, Fingerprint, TrackId, TransportId


class TransportEvents(Protocol):
    """The owner of a transport, which hears the data plane's reports about it."""

    def transport_state(self, state: str, reason: str) -> None:
        """`connecting`, `connected`, `disconnected`, `failed` or `closed`."""

    def forwarding(self, slot: int, reason: str) -> None:
        """What a slot of the transport carries changed."""

    def audio_levels(self, levels: Sequence[tuple[int, int]]) -> None:
        """(track, level in dBov) of the transport's tracks with voice."""


class DataPlane(Protocol):
    """Identifiers, credentials, commands, and who hears the reports."""

    @property
    def fingerprint(self) -> Fingerprint:
        """The digest of the certificate that every transport shows."""
        ...

    def submit(self, *commands: Command) -> None:
        """Hands commands down, in their order."""

    def new_transport(self) -> TransportId:
        """An identifier for a transport, on a thread of the plane's choice."""
        ...

    def new_track(self, transport: TransportId) -> TrackId:
        """An identifier for a track that `transport` receives."""
        ...

    def new_ufrag(self, transport: TransportId) -> str:
        """An ICE user name fragment that leads to the transport's thread (RFC 8839 section 5.4)."""
        ...

    def new_password(self) -> str:
        """An ICE password of at least 128 bits (RFC 8839 section 5.4)."""
        ...

    def on_transport(self, transport: TransportId, events: TransportEvents) -> None:
        """Who hears the reports about a transport, until `forget`."""

    def forget(self, transport: TransportId) -> None:
        """Gives back the identifiers of a transport and its tracks; their reports go nowhere."""
