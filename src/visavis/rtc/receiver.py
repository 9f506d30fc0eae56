"""RTCRtpReceiver (webrtc-pc section 5.3)."""

import math
from typing import TYPE_CHECKING

from visavis.errors import RangeError
from visavis.jsep import Transceiver
from visavis.media import MediaSource, MediaStreamTrack
from visavis.rtc.capabilities import capabilities
from visavis.rtc.parameters import (
    RTCRtcpParameters,
    RTCRtpCapabilities,
    RTCRtpContributingSource,
    RTCRtpReceiveParameters,
    RTCRtpSynchronizationSource,
    codec_parameters_of,
    extensions_of,
)
from visavis.rtc.stats import RTCStatsReport

if TYPE_CHECKING:
    from visavis.rtc.connection import Connection
    from visavis.rtc.dtls_transport import RTCDtlsTransport

_LONGEST_TARGET_MS = 4000


class RTCRtpReceiver:
    """How a track is received. `RTCPeerConnection` makes them."""

    def __init__(self, connection: "Connection", state: Transceiver, track: MediaStreamTrack) -> None:
        self._connection = connection
        self._state = state
        self._track = track
        self._layers: dict[str, MediaStreamTrack] = {}
        self._jitter_buffer_target_ms: float | None = None

    @property
    def track(self) -> MediaStreamTrack:
        """What is received; muted while nothing is. Of simulcast it is the first stream."""
        return self._track

    @property
    def layer_tracks(self) -> dict[str, MediaStreamTrack]:
        """A track for each simulcast stream of the peer by its rid, in the order of its description.

        Empty without simulcast, and without `receive_simulcast` in the configuration. They are there once the
        peer's offer is set, and end when it leaves them out. Only those are decoded whose frames are taken.
        """
        return dict(self._layers)

    @property
    def transport(self) -> "RTCDtlsTransport | None":
        """Where it is received from, None before that was negotiated."""
        return self._connection.dtls_transport(self._state.transport)

    @staticmethod
    def getCapabilities(kind: str) -> RTCRtpCapabilities | None:
        """What can be received of a kind, `audio` or `video`; None for others."""
        return capabilities(kind, send=False)

    @property
    def jitterBufferTarget(self) -> float | None:
        """How many milliseconds of media to hold back, None for as few as the network allows.

        Raises:
            RangeError: On setting, negative or above 4,000.
        """
        return self._jitter_buffer_target_ms

    @jitterBufferTarget.setter
    def jitterBufferTarget(self, target: float | None) -> None:
        if target is not None and (not math.isfinite(target) or not 0 <= target <= _LONGEST_TARGET_MS):
            raise RangeError(f"a jitter buffer target is 0 to {_LONGEST_TARGET_MS} ms, not {target}")
        self._jitter_buffer_target_ms = target

    def getParameters(self) -> RTCRtpReceiveParameters:
        """What it is prepared for."""
        state = self._state
        return RTCRtpReceiveParameters(
            extensions_of(state.extensions),
            RTCRtcpParameters(reducedSize=self._connection.reduced_size(state)),
            [codec_parameters_of(format) for format in state.receive_formats],
        )

    def getContributingSources(self) -> list[RTCRtpContributingSource]:
        """Whose CSRCs were in packets of the last ten seconds, the latest first."""
        return self._connection.contributing_sources(self._state.key)

    def getSynchronizationSources(self) -> list[RTCRtpSynchronizationSource]:
        """Which SSRCs sent packets in the last ten seconds, the latest first."""
        return self._connection.synchronization_sources(self._state.key)

    async def getStats(self) -> RTCStatsReport:
        """Figures about what it receives."""
        return await self._connection.stats(self)

    @property
    def state(self) -> Transceiver:
        """What offer and answer know of it."""
        return self._state

    def follow(self, state: Transceiver) -> None:
        """Negotiation went on."""
        self._state = state
        rids = state.receive_rids
        if tuple(self._layers) == rids:
            return
        others = {rid: track for rid, track in self._layers.items() if track is not self._track}
        self._layers = dict.fromkeys(rids, self._track)
        for rid in rids[1:]:
            self._layers[rid] = others.pop(rid) if rid in others else self._new_layer(rid)
        for track in others.values():
            self._connection.tasks.queue_last_words(track.source.end)

    def track_of(self, rid: str | None) -> MediaStreamTrack:
        """The track of a simulcast stream, or without a rid of all that is received."""
        return self._track if rid is None else self._layers[rid]

    def mute(self) -> None:
        """Nothing comes any more."""
        for track in (self._track, *self._layers.values()):
            track.source.set_muted(True)

    def end(self) -> None:
        """Nothing will ever come again: its tracks end."""
        for track in (self._track, *self._layers.values()):
            track.source.end()

    def _new_layer(self, rid: str) -> MediaStreamTrack:
        return MediaStreamTrack(MediaSource("video", label=f"remote video {rid}", muted=True))
