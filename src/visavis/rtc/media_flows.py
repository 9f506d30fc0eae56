"""A connection's media on its way: pipelines between tracks and the data plane, as negotiation has it."""

import secrets
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

from visavis.dataplane.commands import (
    CloseSource,
    OpenSource,
    Receive,
    RequestKeyFrame,
    Route,
    Rung,
    Send,
    SetLadder,
    SlotId,
    TrackId,
)
from visavis.jsep import Transceiver
from visavis.media import MediaStreamTrack
from visavis.media.codecs.registry import EncoderSettings, find_codec
from visavis.media.receiving import ReceiverPipeline, ReceivingCodec
from visavis.media.sending import Encoding, SenderPipeline
from visavis.rtc import media_plan
from visavis.rtc.network import MediaPath
from visavis.rtc.parameters import RTCRtpEncodingParameters
from visavis.rtc.rate_sharing import WANTED_BPS, share
from visavis.rtc.sources import HeardSources
from visavis.rtc.tones import ToneSink

if TYPE_CHECKING:
    from visavis.rtc.connection import Connection
    from visavis.rtc.transceiver import RTCRtpTransceiver

_TIMESTAMP_BITS = 32
_WANTED_BPS = {"audio": 64_000, "video": WANTED_BPS}


@dataclass(slots=True)
class SendingFlow:
    """One encoding of a sender on its way out."""

    path: MediaPath
    track: TrackId
    slot: SlotId
    index: int
    rid: str | None
    ssrcs: tuple[int, int]
    format: media_plan.SendingFormat
    pipeline: SenderPipeline
    tones: ToneSink | None

    def close(self) -> None:
        """Ends the thread, then the source."""
        self.pipeline.close()
        self.path.plane.submit(CloseSource(self.track))
        self.path.plane.forget_source(self.track)


@dataclass(slots=True)
class ReceivingFlow:
    """A receiver's media, or one simulcast stream of it, on its way in."""

    path: MediaPath
    track: TrackId
    rid: str | None
    layer: int
    output: MediaStreamTrack
    pipeline: ReceiverPipeline | None = None
    sources: HeardSources | None = None

    def begin(self) -> None:
        """The first frame has come, or no more will."""
        if self.pipeline is not None:
            self.pipeline.begin()

    def close(self) -> None:
        """Ends the thread."""
        if self.pipeline is not None:
            self.pipeline.close()
            self.pipeline = None


@dataclass(slots=True)
class _OfTransceiver:
    sending: list[SendingFlow] = field(default_factory=list[SendingFlow])
    receiving: list[ReceivingFlow] = field(default_factory=list[ReceivingFlow])


class MediaFlows:
    """All flows of a connection; `update` brings them to what the session is."""

    def __init__(self, connection: "Connection") -> None:
        self._connection = connection
        self._flows: dict[int, _OfTransceiver] = {}
        self._target_bps: dict[int, int | None] = {}

    def of(self, key: int) -> tuple[list[SendingFlow], list[ReceivingFlow]]:
        """The flows of a transceiver."""
        flows = self._flows.get(key, _OfTransceiver())
        return flows.sending, flows.receiving

    def update(self) -> None:
        """A description was set: what may flow begins, what may not ends, the data plane is told."""
        transceivers = {one.state.key: one for one in self._connection.transceivers}
        for key in [key for key in self._flows if key not in transceivers]:
            self._end(self._flows.pop(key))
        by_transport: dict[int, list[RTCRtpTransceiver]] = {}
        for transceiver in transceivers.values():
            if transceiver.state.transport is not None:
                by_transport.setdefault(transceiver.state.transport, []).append(transceiver)
        for transport, its in by_transport.items():
            path = self._connection.transports.media_path(transport)
            if path is not None:
                self._update_transport(path, its)

    def sending_changed(self, transceiver: "RTCRtpTransceiver") -> None:
        """A sender has another track, or other encodings."""
        flows = self.of(transceiver.state.key)[0]
        state, sender = transceiver.state, transceiver.sender
        encodings = {encoding.rid: encoding for encoding in sender.encodings}
        changed = [(flow, encodings[flow.rid]) for flow in flows if flow.rid in encodings]
        for flow, encoding in changed:
            flow.pipeline.configure(_encoding(encoding))
            track = sender.track if media_plan.sends(state) else None
            if flow.pipeline.track is not track:
                flow.pipeline.replace_track(track)
        if any(flow.format != _format(state, encoding) for flow, encoding in changed):
            self.update()
        for path in {flow.path.transport: flow.path for flow in flows}.values():
            if (target_bps := self._target_bps.get(path.transport)) is not None:
                self._share_rate(path, target_bps)

    def request_key_frame(self, key: int, rid: str | None) -> None:
        """The next frame of an encoding becomes a key frame."""
        for flow in self.of(key)[0]:
            if flow.rid == rid:
                flow.pipeline.request_key_frame()

    def press(self, key: int, tone: str, duration_s: float) -> None:
        """A sender is to send a telephone key; one that sends no sound does not."""
        for flow in self.of(key)[0]:
            if flow.tones is not None:
                flow.tones.press(tone, duration_s)

    def close(self) -> None:
        """Ends all, threads included."""
        for flows in self._flows.values():
            self._end(flows)
        self._flows.clear()

    def _update_transport(self, path: MediaPath, transceivers: "list[RTCRtpTransceiver]") -> None:
        for transceiver in transceivers:
            flows = self._flows.setdefault(transceiver.state.key, _OfTransceiver())
            self._update_receiving(path, transceiver, flows)
            self._update_sending(path, transceiver, flows)
        self._tell(path, transceivers)
        for transceiver in transceivers:
            self._begin_receiving(transceiver, self._flows[transceiver.state.key])
        if path.transport not in self._target_bps:
            self._target_bps[path.transport] = None
            path.plane.on_target_bitrate(path.transport, partial(self._share_rate, path))

    def _update_receiving(
        self, path: MediaPath, transceiver: "RTCRtpTransceiver", flows: _OfTransceiver
    ) -> None:
        state, receiver = transceiver.state, transceiver.receiver
        wanted, rids = media_plan.receives(state), state.receive_rids or (None,)
        fitting = tuple(flow.rid for flow in flows.receiving) == rids and flows.receiving[0].path == path
        if not (wanted and fitting):
            for flow in flows.receiving:
                flow.close()
        if wanted and not fitting:
            track = path.plane.new_track(path.transport)
            flows.receiving = [
                ReceivingFlow(path, track, rid, layer, receiver.track_of(rid))
                for layer, rid in enumerate(rids)
            ]

    def _begin_receiving(self, transceiver: "RTCRtpTransceiver", flows: _OfTransceiver) -> None:
        state = transceiver.state
        if not media_plan.receives(state):
            return
        codecs = _receiving_codecs(state)
        for flow in flows.receiving:
            if flow.pipeline is not None:
                flow.pipeline.set_codecs(codecs)
                continue
            plane = flow.path.plane
            frames = plane.receive_frames(flow.track, state.kind, layer=flow.layer, on_ready=flow.begin)
            flow.sources = HeardSources(frames)
            flow.pipeline = ReceiverPipeline(
                flow.sources,
                codecs,
                flow.output.source,
                request_key_frame=partial(plane.submit, RequestKeyFrame(flow.track)),
            )

    def _update_sending(
        self, path: MediaPath, transceiver: "RTCRtpTransceiver", flows: _OfTransceiver
    ) -> None:
        state, sender = transceiver.state, transceiver.sender
        before = {flow.rid: flow for flow in flows.sending}
        wanted = bool(before) or media_plan.sends(state)
        flows.sending = []
        for index, encoding in enumerate(sender.encodings):
            format, flow = _format(state, encoding), before.pop(encoding.rid, None)
            if flow is not None and (flow.path, flow.format) == (path, format) and flow.index == index:
                flows.sending.append(flow)
                continue
            if flow is not None:
                flow.close()
            if format is not None and wanted:
                ssrcs = flow.ssrcs if flow is not None and flow.path == path else self._ssrcs(state, encoding)
                flows.sending.append(self._open(path, state, format, index, encoding, ssrcs))
        for flow in before.values():
            flow.close()
        track = sender.track if media_plan.sends(state) else None
        for flow in flows.sending:
            if flow.pipeline.track is not track:
                flow.pipeline.replace_track(track)

    def _ssrcs(self, state: Transceiver, encoding: RTCRtpEncodingParameters) -> tuple[int, int]:
        """Of the stream and its repairs: those that are signaled, but with simulcast none is."""
        draw = self._connection.ssrc
        return (state.ssrc, state.rtx_ssrc) if encoding.rid is None else (draw(), draw())

    def _open(
        self,
        path: MediaPath,
        state: Transceiver,
        format: media_plan.SendingFormat,
        index: int,
        encoding: RTCRtpEncodingParameters,
        ssrcs: tuple[int, int],
    ) -> SendingFlow:
        plane = path.plane
        track = plane.new_track(path.transport)
        plane.submit(OpenSource(track, state.kind, format.source_payloads, _WANTED_BPS[state.kind]))
        sink = plane.frame_sender(track)
        tones = None
        if format.tones is not None:
            tones = ToneSink(sink, media_plan.TONE_PAYLOAD_TYPE, format.tones.clock_hz)
        pipeline = SenderPipeline(
            format.codec,
            sink if tones is None else tones,
            media_plan.SOURCE_PAYLOAD_TYPE,
            first_timestamp=secrets.randbits(_TIMESTAMP_BITS),
            settings=EncoderSettings(format.codec.default_bps, format.format.values),
            encoding=_encoding(encoding),
        )
        plane.on_key_frame_wanted(track, lambda _: pipeline.request_key_frame())
        slot = SlotId(state.key * media_plan.MAX_ENCODINGS + index)
        return SendingFlow(path, track, slot, index, encoding.rid, ssrcs, format, pipeline, tones)

    def _tell(self, path: MediaPath, transceivers: "list[RTCRtpTransceiver]") -> None:
        """Tells the data plane all of a transport, whole."""
        states = [transceiver.state for transceiver in transceivers]
        ids = media_plan.extensions(states)
        cname = self._connection.session.cname
        sections = tuple(
            media_plan.section(state, receiving[0].track)
            for state in states
            if (receiving := self._flows[state.key].receiving) and media_plan.receives(state)
        )
        flows = [(state, flow) for state in states for flow in self._flows[state.key].sending]
        slots = tuple(media_plan.slot(state, flow.slot, cname, flow.rid, flow.ssrcs) for state, flow in flows)
        sending = sorted(
            ((state, flow) for state, flow in flows if media_plan.sends(state)),
            key=lambda one: (one[0].kind == "video", -one[1].pipeline.encoding.scale_down_by),
        )
        path.plane.submit(
            Receive(path.transport, ids, sections),
            Send(path.transport, ids, slots),
            *(Route(path.transport, flow.slot, flow.track, flow.format.payloads) for _, flow in flows),
            SetLadder(path.transport, tuple(Rung(flow.slot) for _, flow in sending)),
        )

    def _share_rate(self, path: MediaPath, target_bps: int) -> None:
        """Sound takes its default of what the network carries; pictures share the rest by their size."""
        self._target_bps[path.transport] = target_bps
        flows = [
            flow
            for one in self._flows.values()
            for flow in one.sending
            if flow.path == path and flow.pipeline.track is not None
        ]
        pictures = [flow for flow in flows if flow.format.codec.kind == "video"]
        sound_bps = sum(flow.format.codec.default_bps for flow in flows if flow not in pictures)
        rates = share(max(target_bps - sound_bps, 0), [flow.pipeline.encoding for flow in pictures])
        for flow, rate_bps in zip(pictures, rates, strict=True):
            flow.pipeline.set_target(rate_bps)

    def _end(self, flows: _OfTransceiver) -> None:
        for flow in flows.sending:
            flow.close()
        for receiving in flows.receiving:
            receiving.close()


def _encoding(parameters: RTCRtpEncodingParameters) -> Encoding:
    return Encoding(
        parameters.active,
        parameters.maxBitrate,
        parameters.maxFramerate,
        parameters.scaleResolutionDownBy or 1.0,
    )


def _format(state: Transceiver, encoding: RTCRtpEncodingParameters) -> media_plan.SendingFormat | None:
    """The codec that an encoding asks for, else the one that the peer prefers."""
    return media_plan.sending_format(state, None if encoding.codec is None else encoding.codec.mimeType)


def _receiving_codecs(state: Transceiver) -> dict[int, ReceivingCodec]:
    return {
        format.payload_type: ReceivingCodec(codec, format.values)
        for format in state.receive_formats
        if format.payload_type is not None and (codec := find_codec(format.mime)) is not None
    }
