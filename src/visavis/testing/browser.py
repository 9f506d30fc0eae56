"""Browsers without media: what they offer and answer, and what they would refuse to take."""

import itertools
from dataclasses import dataclass, field

from visavis import sdp
from visavis.dataplane.commands import Kind
from visavis.testing.codecs import CHROMIUM, BrowserCodec, Codecs


@dataclass(slots=True)
class _Transceiver:
    mid: str
    kind: Kind
    sends: bool
    ssrc: int
    rids: tuple[str, ...] = ()


class FakeIce:
    """One connection's credentials and certificate; `number` makes them its own."""

    def __init__(self, number: int) -> None:
        self._number = number
        self._generations = itertools.count(1)
        self.restart()

    def restart(self) -> None:
        """Other credentials (RFC 8839 section 4.4.3)."""
        generation = next(self._generations)
        self.ufrag = f"{self._number:05d}g{generation}"
        self.password = f"{self._number:016d}{generation:08d}"

    def lines(self, setup: str) -> list[str]:
        """The attributes of RFC 8839 and RFC 8842."""
        digest = ":".join(f"{byte:02X}" for byte in self._number.to_bytes(32, "big"))
        return [
            f"a=ice-ufrag:{self.ufrag}",
            f"a=ice-pwd:{self.password}",
            "a=ice-options:trickle",
            f"a=fingerprint:sha-256 {digest}",
            f"a=setup:{setup}",
        ]


def _session(number: int, version: int, mids: list[str]) -> list[str]:
    return [
        "v=0",
        f"o=- {number + 1} {version} IN IP4 127.0.0.1",
        "s=-",
        "t=0 0",
        f"a=group:BUNDLE {' '.join(mids)}" if mids else "a=group:BUNDLE",
        "a=extmap-allow-mixed",
        "a=msid-semantic: WMS",
    ]


def _media(kind: Kind, payload_types: list[int], port: int = 9) -> list[str]:
    formats = " ".join(map(str, payload_types)) or "0"
    return [
        f"m={kind.value} {port} UDP/TLS/RTP/SAVPF {formats}",
        "c=IN IP4 0.0.0.0",
        "a=rtcp:9 IN IP4 0.0.0.0",
    ]


def _codec_lines(codec: BrowserCodec) -> list[str]:
    number = codec.payload_type
    lines = [f"a=rtpmap:{number} {codec.name}/{codec.clock}"]
    lines += [f"a=rtcp-fb:{number} {feedback}" for feedback in codec.feedback]
    if codec.parameters:
        lines.append(f"a=fmtp:{number} {codec.parameters}")
    if codec.rtx_payload_type is not None:
        lines.append(f"a=rtpmap:{codec.rtx_payload_type} rtx/{codec.clock}")
        lines.append(f"a=fmtp:{codec.rtx_payload_type} apt={number}")
    return lines


def _payload_types(codecs: tuple[BrowserCodec, ...]) -> list[int]:
    numbers: list[int] = []
    for codec in codecs:
        numbers.append(codec.payload_type)
        if codec.rtx_payload_type is not None:
            numbers.append(codec.rtx_payload_type)
    return numbers


@dataclass(slots=True)
class FakePublisher:
    """The connection on which a browser offers."""

    number: int
    codecs: Codecs = CHROMIUM
    version: int = 1
    _transceivers: list[_Transceiver] = field(default_factory=list[_Transceiver])
    ice: FakeIce = field(init=False)

    def __post_init__(self) -> None:
        self.ice = FakeIce(self.number)

    def add(self, kind: Kind, rids: tuple[str, ...] = ()) -> str:
        """`addTransceiver`; gives the mid that the next offer will have."""
        mid = str(len(self._transceivers))
        ssrc = self.number * 1000 + len(self._transceivers) * 2 + 1
        self._transceivers.append(_Transceiver(mid, kind, True, ssrc, rids))
        return mid

    def send(self, mid: str, sends: bool) -> None:
        """`transceiver.direction`."""
        self._transceivers[int(mid)].sends = sends

    def offer(self) -> str:
        """`createOffer`, the candidates left out."""
        self.version += 1
        lines = _session(self.number, self.version, [transceiver.mid for transceiver in self._transceivers])
        for transceiver in self._transceivers:
            lines += self._section(transceiver)
        return "".join(f"{line}\r\n" for line in lines)

    def _section(self, transceiver: _Transceiver) -> list[str]:
        codecs = self.codecs.of(transceiver.kind)
        lines = _media(transceiver.kind, _payload_types(codecs))
        lines += self.ice.lines("actpass")
        lines.append(f"a=mid:{transceiver.mid}")
        lines += [f"a=extmap:{number} {uri}" for number, uri in self.codecs.extensions_of(transceiver.kind)]
        lines += ["a=sendonly" if transceiver.sends else "a=inactive", "a=rtcp-mux", "a=rtcp-rsize"]
        for codec in codecs:
            lines += _codec_lines(codec)
        if not transceiver.sends:
            return lines
        lines.append(f"a=msid:- track-{self.number}-{transceiver.mid}")
        if transceiver.rids:
            lines += [f"a=rid:{rid} send" for rid in transceiver.rids]
            lines.append(f"a=simulcast:send {';'.join(transceiver.rids)}")
        elif transceiver.kind is Kind.VIDEO:
            lines.append(f"a=ssrc-group:FID {transceiver.ssrc} {transceiver.ssrc + 1}")
            lines += [
                f"a=ssrc:{ssrc} cname:c{self.number}" for ssrc in (transceiver.ssrc, transceiver.ssrc + 1)
            ]
        else:
            lines.append(f"a=ssrc:{transceiver.ssrc} cname:c{self.number}")
        return lines


@dataclass(slots=True)
class FakeSubscriber:
    """The connection on which a browser answers; it refuses an offer that a browser could not apply.

    `reject` holds the m-lines that it turns down with port zero (RFC 9429 section 5.3.1).
    """

    number: int
    codecs: Codecs = CHROMIUM
    version: int = 1
    reject: set[str] = field(default_factory=set[str])
    msids: dict[str, str] = field(default_factory=dict[str, str])
    _shape: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])
    _ssrcs: dict[str, tuple[int, ...]] = field(default_factory=dict[str, tuple[int, ...]])
    _remote_ufrag: str = ""
    ice: FakeIce = field(init=False)

    def __post_init__(self) -> None:
        self.ice = FakeIce(self.number)

    @property
    def lines(self) -> int:
        """How many m-lines there are."""
        return len(self._shape)

    def answer(self, offer_sdp: str) -> str:
        """`setRemoteDescription` and `createAnswer`."""
        offer = sdp.parse(offer_sdp)
        self._check(offer)
        self.version += 1
        accepted = [media.mid or "" for media in offer.media if media.port and media.mid not in self.reject]
        lines = _session(self.number, self.version, accepted)
        for media in offer.media:
            lines += self._section(offer, media)
        return "".join(f"{line}\r\n" for line in lines)

    def _check(self, offer: sdp.SessionDescription) -> None:
        shape = [(media.kind, media.mid or "") for media in offer.media]
        assert shape[: len(self._shape)] == self._shape, "m-lines must keep their places"
        self._shape = shape
        self.msids = {}
        for media in offer.media:
            mid = media.mid or ""
            ssrcs = tuple(dict.fromkeys(line.ssrc for line in media.every(sdp.Ssrc)))
            if ssrcs:
                assert self._ssrcs.setdefault(mid, ssrcs) == ssrcs, "an m-line must keep its SSRCs"
            msid = media.first(sdp.Msid)
            if offer.direction(media).sends and msid is not None:
                self.msids[mid] = msid.stream_id
        everywhere = [ssrc for ssrcs in self._ssrcs.values() for ssrc in ssrcs]
        assert len(set(everywhere)) == len(everywhere), "an SSRC on two m-lines"
        ufrag = next((media.first(sdp.IceUfrag) for media in offer.media if media.port), None)
        ufrag = ufrag or offer.first(sdp.IceUfrag)
        assert ufrag is not None
        if self._remote_ufrag and ufrag.value != self._remote_ufrag:
            self.ice.restart()
        self._remote_ufrag = ufrag.value

    def _section(self, offer: sdp.SessionDescription, media: sdp.MediaDescription) -> list[str]:
        kind = Kind(media.kind)
        agreed = [(codec, mine) for codec in media.codecs if (mine := self._mine(kind, codec)) is not None]
        numbers = [codec.payload_type for codec, _ in agreed]
        rtx = [
            codec.payload_type
            for codec in media.codecs
            if codec.name.lower() == "rtx" and int(codec.parameters.get("apt", "-1")) in numbers
        ]
        if media.mid in self.reject or not agreed or not media.port:
            return [*_media(kind, [int(media.formats[0])], port=0), f"a=mid:{media.mid}", "a=inactive"]
        lines = _media(
            kind, [codec.payload_type for codec in media.codecs if codec.payload_type in numbers + rtx]
        )
        lines += self.ice.lines("active")
        lines.append(f"a=mid:{media.mid}")
        known = {uri for _, uri in self.codecs.extensions_of(kind)}
        lines += [f"a=extmap:{line.id} {line.uri}" for line in media.every(sdp.ExtMap) if line.uri in known]
        lines += [
            "a=recvonly" if offer.direction(media).sends else "a=inactive",
            "a=rtcp-mux",
            "a=rtcp-rsize",
        ]
        for codec, mine in agreed:
            clock = f"{codec.clock_hz}/{codec.channels}" if codec.channels > 1 else str(codec.clock_hz)
            lines.append(f"a=rtpmap:{codec.payload_type} {codec.name}/{clock}")
            lines += [
                f"a=rtcp-fb:{codec.payload_type} {feedback}"
                for feedback in codec.feedback
                if feedback in mine.feedback
            ]
            if codec.parameters:
                text = ";".join(
                    f"{name}={value}" if value else name for name, value in codec.parameters.items()
                )
                lines.append(f"a=fmtp:{codec.payload_type} {text}")
        for codec in media.codecs:
            if codec.payload_type in rtx:
                lines.append(f"a=rtpmap:{codec.payload_type} rtx/{codec.clock_hz}")
                lines.append(f"a=fmtp:{codec.payload_type} apt={codec.parameters['apt']}")
        return lines

    def _mine(self, kind: Kind, codec: sdp.RtpCodec) -> BrowserCodec | None:
        return next(
            (
                mine
                for mine in self.codecs.of(kind)
                if mine.name.lower() == codec.name.lower()
                and mine.clock.split("/")[0] == str(codec.clock_hz)
                and (codec.name.upper() != "H264" or _h264(mine.parameters) == _h264_of(codec))
            ),
            None,
        )


def _h264(parameters: str) -> tuple[str, str]:
    pairs: dict[str, str] = {}
    for piece in parameters.split(";"):
        name, _, value = piece.partition("=")
        pairs[name] = value
    return pairs.get("packetization-mode", "0"), pairs.get("profile-level-id", "")[:4]


def _h264_of(codec: sdp.RtpCodec) -> tuple[str, str]:
    return codec.parameters.get("packetization-mode", "0"), codec.parameters.get("profile-level-id", "")[
        :4
    ].lower()
