"""Names for transports and tracks, which lead to the thread that owns them, and the secrets of ICE."""

from collections.abc import Callable
from itertools import count
from typing import Final

from visavis.dataplane.commands import TrackId, TransportId

ICE_CHARS: Final = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
"""RFC 8839 section 5.4; as the first letter of a user name fragment, each names the thread of its place."""

_UFRAG_LENGTH = 8
_PASSWORD_LENGTH = 24
_SHARD_SHIFT = 24
_NUMBER_MASK = (1 << _SHARD_SHIFT) - 1


class Identifiers:
    """Allocates identifiers over `threads` threads; a new transport goes to the thread that has the fewest.

    The upper eight bits are the thread, the others a number that is not given twice while it is in use.
    """

    def __init__(self, threads: int, first_number: int = 1) -> None:
        self._tracks_of: list[dict[TransportId, set[TrackId]]] = [{} for _ in range(threads)]
        self._owners: dict[TrackId, TransportId] = {}
        self._transport_numbers = count(first_number)
        self._track_numbers = count(first_number)

    def new_transport(self) -> TransportId:
        """An identifier on the thread with the fewest transports, in use until `release`."""
        shard = min(range(len(self._tracks_of)), key=lambda shard: len(self._tracks_of[shard]))
        mine = self._tracks_of[shard]
        transport = next(
            transport
            for number in self._transport_numbers
            if (transport := TransportId(shard << _SHARD_SHIFT | number & _NUMBER_MASK)) not in mine
        )
        mine[transport] = set()
        return transport

    def new_track(self, transport: TransportId) -> TrackId:
        """An identifier for a track that `transport` receives, in use as long as it. Raises KeyError if it
        is not."""
        shard = shard_of(transport)
        tracks = self._tracks_of[shard][transport]
        track = next(
            track
            for number in self._track_numbers
            if (track := TrackId(shard << _SHARD_SHIFT | number & _NUMBER_MASK)) not in self._owners
        )
        tracks.add(track)
        self._owners[track] = transport
        return track

    def release(self, transport: TransportId) -> frozenset[TrackId]:
        """Ends the use of a transport's identifier and of its tracks', which are returned; nothing if it
        is not in use."""
        tracks = self._tracks_of[shard_of(transport)].pop(transport, set())
        for track in tracks:
            del self._owners[track]
        return frozenset(tracks)

    def owner(self, track: TrackId) -> TransportId | None:
        """The transport that receives a track."""
        return self._owners.get(track)

    def __len__(self) -> int:
        """How many transports are in use."""
        return sum(len(transports) for transports in self._tracks_of)

    def __contains__(self, transport: TransportId) -> bool:
        return transport in self._tracks_of[shard_of(transport)]

    def on_thread(self, shard: int) -> list[TransportId]:
        """The transports in use of one thread."""
        return list(self._tracks_of[shard])


def shard_of(identifier: int) -> int:
    """The thread that owns a transport or a track."""
    return identifier >> _SHARD_SHIFT


def new_ufrag(transport: TransportId, draw: Callable[[int], bytes]) -> str:
    """A user name fragment whose first letter names the transport's thread; the others are 42 random bits."""
    return ICE_CHARS[shard_of(transport)] + _letters(draw(_UFRAG_LENGTH - 1))


def new_password(draw: Callable[[int], bytes]) -> str:
    """144 random bits (RFC 8839 section 5.4 asks for 128)."""
    return _letters(draw(_PASSWORD_LENGTH))


def _letters(drawn: bytes) -> str:
    """One of 64 letters by each byte, all alike."""
    return "".join(ICE_CHARS[byte % len(ICE_CHARS)] for byte in drawn)
