"""The figures of RTP streams, their codecs and sources (webrtc-stats sections 8.1 to 8.11)."""

from collections.abc import Generator, Iterator, Mapping
from typing import TYPE_CHECKING

from visavis.jsep import Format, Transceiver
from visavis.rtc.network import LinkFigures
from visavis.rtc.stats import Stats

if TYPE_CHECKING:
    from visavis.media.loudness import Loudness
    from visavis.media.receiving import ReceivingFigures
    from visavis.media.sending import SendingFigures
    from visavis.rtc.connection import Connection
    from visavis.rtc.media_flows import ReceivingFlow, SendingFlow
    from visavis.rtc.transceiver import RTCRtpTransceiver

_NTP_TO_UNIX_S = 2_208_988_800

Entry = tuple[str, str, Stats]
"""Id, type, members."""


class RtpStats:
    """The figures of RTP streams: what the data plane counted, and what codecs did.

    Which streams there are is settled when it is made: a transceiver that is stopped meanwhile still has
    them.
    """

    def __init__(self, connection: "Connection") -> None:
        self._live = [
            (transceiver, transceiver.state, *connection.media.of(transceiver.state.key))
            for transceiver in connection.transceivers
            if not transceiver.state.stopping and transceiver.state.mid is not None
        ]
        self._transport = ""
        self._figures = LinkFigures()
        self._now_ms = 0.0

    def of(self, key: int, figures: LinkFigures, now_ms: float) -> Iterator[Entry]:
        """The entries of one transport's streams."""
        self._transport, self._figures, self._now_ms = f"T{key}", figures, now_ms
        for transceiver, state, sending, receiving in self._live:
            if state.transport != key:
                continue
            for index, flow in enumerate(sending):
                yield from self._outbound(transceiver, flow, index)
            by_layer = {flow.layer: flow for flow in receiving}
            for stream in self._figures.received:
                # Repairs (RFC 4588) are figures of the stream that they repair.
                if stream.get("mid") == state.mid and not stream.get("isRepair"):
                    layer = stream.get("layer")
                    received = by_layer.get(layer) if isinstance(layer, int) else None
                    if received is not None:
                        yield from self._inbound(transceiver, stream, received)

    def _outbound(self, transceiver: "RTCRtpTransceiver", flow: "SendingFlow", index: int) -> Iterator[Entry]:
        state, track = transceiver.state, transceiver.sender.track
        ssrc = flow.ssrcs[0]
        stream = next((one for one in self._figures.sent if one.get("ssrc") == ssrc), None)
        if stream is None:
            return
        id, remote_id, source_id = (
            f"O{self._transport}-{ssrc}",
            f"RI{self._transport}-{ssrc}",
            f"S{state.key}",
        )
        video = state.kind == "video"
        encoded = flow.pipeline.figures
        codec = yield from self._codec(flow.format.format, "O")
        has_remote = "roundTripTime" in stream
        common: Stats = {
            "ssrc": ssrc,
            "kind": str(state.kind),
            "transportId": self._transport,
            "codecId": codec,
        }
        yield (
            id,
            "outbound-rtp",
            {
                **common,
                "mid": state.mid,
                "rid": flow.rid,
                "mediaSourceId": None if track is None else source_id,
                "remoteId": remote_id if has_remote else None,
                **_taken(stream, "packetsSent", "bytesSent", "retransmittedPacketsSent", "nackCount"),
                **_taken(stream, "retransmittedBytesSent"),
                "targetBitrate": encoded.target_bps,
                "active": flow.pipeline.encoding.active,
                **(_encoded(stream, encoded, index) if video else {}),
            },
        )
        if track is not None:
            yield source_id, "media-source", self._source(transceiver, encoded)
        if has_remote:
            yield (
                remote_id,
                "remote-inbound-rtp",
                {
                    **common,
                    "mid": state.mid,
                    "localId": id,
                    **_taken(stream, "roundTripTime", "totalRoundTripTime", "roundTripTimeMeasurements"),
                    "fractionLost": stream.get("remoteFractionLost"),
                    "packetsLost": _whole(stream.get("remotePacketsLost")),
                    "jitter": stream.get("remoteJitter"),
                },
            )

    def _inbound(
        self,
        transceiver: "RTCRtpTransceiver",
        stream: Mapping[str, int | float | str],
        flow: "ReceivingFlow",
    ) -> Iterator[Entry]:
        state = transceiver.state
        decoded = None if flow.pipeline is None else flow.pipeline.figures
        ssrc = stream.get("ssrc")
        id, remote_id = f"I{self._transport}-{ssrc}", f"RO{self._transport}-{ssrc}"
        codec = None
        if (format := _format(state, stream.get("payloadType"))) is not None:
            codec = yield from self._codec(format, "I")
        has_remote = "remoteNtpTime" in stream
        silence_s = stream.get("secondsSinceLastPacket")
        common: Stats = {
            "ssrc": ssrc,
            "kind": str(state.kind),
            "transportId": self._transport,
            "codecId": codec,
        }
        yield (
            id,
            "inbound-rtp",
            {
                **common,
                "mid": state.mid,
                "trackIdentifier": flow.output.id,
                "remoteId": remote_id if has_remote else None,
                **_taken(stream, "packetsReceived", "bytesReceived", "jitter", "nackCount"),
                "packetsLost": _whole(stream.get("packetsLost")),
                "packetsDiscarded": stream.get("packetsDuplicated"),
                **_taken(stream, "retransmittedPacketsReceived"),
                "lastPacketReceivedTimestamp": (
                    self._now_ms - silence_s * 1000 if isinstance(silence_s, (int, float)) else None
                ),
                **(_decoded(state, stream, decoded) if decoded is not None else {}),
            },
        )
        if has_remote:
            yield (
                remote_id,
                "remote-outbound-rtp",
                {
                    **common,
                    "mid": state.mid,
                    "localId": id,
                    "packetsSent": stream.get("remotePacketsSent"),
                    "bytesSent": stream.get("remoteBytesSent"),
                    "reportsSent": stream.get("remoteReportsSent"),
                    "remoteTimestamp": (float(stream["remoteNtpTime"]) - _NTP_TO_UNIX_S) * 1000,
                },
            )

    def _codec(self, format: Format, direction: str) -> Generator[Entry, None, str]:
        """A codec's entry; returns its id."""
        id = f"C{direction}{self._transport}-{format.payload_type}"
        yield (
            id,
            "codec",
            {
                "payloadType": format.payload_type,
                "transportId": self._transport,
                "mimeType": format.mime,
                "clockRate": format.clock_hz,
                "channels": format.channels,
                "sdpFmtpLine": format.parameters,
            },
        )
        return id

    def _source(self, transceiver: "RTCRtpTransceiver", encoded: "SendingFigures") -> Stats:
        track = transceiver.sender.track
        source: Stats = {
            "trackIdentifier": None if track is None else track.id,
            "kind": str(transceiver.state.kind),
        }
        if transceiver.state.kind == "video" and track is not None:
            settings = track.getSettings()
            source["width"] = settings.get("width") or encoded.frame_width or None
            source["height"] = settings.get("height") or encoded.frame_height or None
            source["framesPerSecond"] = settings.get("frameRate")
        if transceiver.state.kind == "audio":
            source.update(_loudness(encoded.loudness))
            source["totalSamplesDuration"] = encoded.loudness.duration_s
        return source


def _taken(stream: Mapping[str, int | float | str], *names: str) -> Stats:
    """Members that the data plane counts under the standard's names."""
    return {name: stream.get(name) for name in names}


def _whole(value: int | float | str | None) -> int | None:
    return int(value) if isinstance(value, (int, float)) else None


def _format(state: Transceiver, payload_type: int | float | str | None) -> Format | None:
    return next((one for one in state.receive_formats if one.payload_type == payload_type), None)


def _encoded(stream: Mapping[str, int | float | str], encoded: "SendingFigures", index: int) -> Stats:
    """What only outbound video has."""
    return {
        "framesEncoded": encoded.frames_encoded,
        "keyFramesEncoded": encoded.key_frames_encoded,
        "framesSent": stream.get("framesSent", encoded.frames_encoded),
        "totalEncodeTime": encoded.encode_time_s,
        "frameWidth": encoded.frame_width or None,
        "frameHeight": encoded.frame_height or None,
        "encodingIndex": index,
        **_taken(stream, "pliCount"),
    }


def _decoded(
    state: Transceiver, stream: Mapping[str, int | float | str], decoded: "ReceivingFigures"
) -> Stats:
    """What the decoder did."""
    if state.kind == "video":
        return {
            "framesReceived": stream.get("framesReceived", decoded.frames_received),
            "framesDecoded": decoded.frames_decoded,
            "framesDropped": stream.get("framesDropped", 0),
            "keyFramesDecoded": decoded.key_frames_decoded,
            "totalDecodeTime": decoded.decode_time_s,
            "frameWidth": decoded.frame_width or None,
            "frameHeight": decoded.frame_height or None,
            **_taken(stream, "pliCount", "framesAssembledFromMultiplePackets", "totalAssemblyTime"),
        }
    return {
        "totalSamplesReceived": decoded.samples_received,
        "totalSamplesDuration": decoded.sound_s,
        "concealedSamples": decoded.concealed_samples,
        "concealmentEvents": decoded.concealment_events,
        **_loudness(decoded.loudness),
    }


def _loudness(loudness: "Loudness") -> Stats:
    return {"audioLevel": loudness.level, "totalAudioEnergy": loudness.energy}
