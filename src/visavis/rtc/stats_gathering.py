"""Gathers the figures of a connection (webrtc-stats): everything but RTP streams is here."""

import asyncio
import base64
import hashlib
import textwrap
from collections.abc import Callable
from typing import TYPE_CHECKING

from visavis.rtc.certificate import now_ms
from visavis.rtc.network import LinkFigures
from visavis.rtc.rtp_stats import RtpStats
from visavis.rtc.sender import RTCRtpSender
from visavis.rtc.stats import RTCStatsReport, Selector, Stats, referenced

if TYPE_CHECKING:
    from visavis.rtc.bound_transport import BoundTransport
    from visavis.rtc.connection import Connection

Add = Callable[[str, str, Stats], None]
"""Adds an entry: id, type, members."""

_PEER_CONNECTION_ID = "P"
_RTP_TYPES = {True: ("outbound-rtp", "remote-inbound-rtp"), False: ("inbound-rtp", "remote-outbound-rtp")}


async def report(connection: "Connection", selector: Selector) -> RTCStatsReport:
    """What is known, of all or of what a sender or receiver has to do with."""
    bound, rtp = connection.transports.all(), RtpStats(connection)
    if not connection.closed:
        await connection.tasks.turn()
    figures = await asyncio.gather(*(one.figures(transport_id(one.key)) for one in bound))
    now = now_ms()
    everything: dict[str, Stats] = {}

    def add(id: str, type: str, members: Stats) -> None:
        known = {name: value for name, value in members.items() if value is not None}
        everything[id] = {"id": id, "type": type, "timestamp": now, **known}

    add(_PEER_CONNECTION_ID, "peer-connection", connection.data.counts())
    for number, members in connection.data.figures():
        add(f"D{number}", "data-channel", members)
    for one, its in zip(bound, figures, strict=True):
        _add_transport(connection, one, its, add)
        _add_association(one.key, its, add)
        for id, type, members in rtp.of(one.key, its, now):
            add(id, type, members)
    if selector is None:
        return RTCStatsReport(everything)
    types = _RTP_TYPES[isinstance(selector, RTCRtpSender)]
    mid = selector.state.mid
    roots = {
        id
        for id, one in everything.items()
        if mid is not None and one["type"] in types and one.get("mid") == mid
    }
    return RTCStatsReport(referenced(everything, roots))


def transport_id(key: int) -> str:
    """The id of a transport's figures."""
    return f"T{key}"


def _add_transport(connection: "Connection", bound: "BoundTransport", figures: LinkFigures, add: Add) -> None:
    """RTCTransportStats, and the certificates, candidates and pairs that it refers to."""
    id = transport_id(bound.key)
    ice, dtls = bound.ice_transport, bound.dtls_transport
    local = ice.getLocalParameters()
    certificate_id = _add_certificate(connection.certificate.der, add)
    remote_ids = [_add_certificate(der, add) for der in dtls.getRemoteCertificates()]
    values = figures.transport
    connected = dtls.state in ("connected", "closed")
    add(
        id,
        "transport",
        {
            **{
                name: values.get(name)
                for name in ("bytesSent", "bytesReceived", "packetsSent", "packetsReceived")
            },
            "dtlsState": str(dtls.state),
            "dtlsRole": _dtls_role(connection, bound.key),
            "iceState": str(ice.state),
            "iceRole": str(ice.role),
            "iceLocalUsernameFragment": None if local is None else local.usernameFragment,
            "selectedCandidatePairId": figures.selected_pair_id,
            "selectedCandidatePairChanges": figures.selected_pair_changes,
            "localCertificateId": certificate_id,
            "remoteCertificateId": remote_ids[0] if remote_ids else None,
            "tlsVersion": values.get("tlsVersion") if connected else None,
            "dtlsCipher": values.get("dtlsCipher") if connected else None,
            "srtpCipher": values.get("srtpCipher") if connected else None,
        },
    )
    for one in figures.ice:
        members = dict(one)
        add(str(members.pop("id")), str(members.pop("type")), _pair_bytes(members, figures))


def _add_association(key: int, figures: LinkFigures, add: Add) -> None:
    """RTCSctpTransportStats, while there is an association: the members that drafts of the standard had, and
    more."""
    values = figures.transport
    if "sctpMtu" not in values:
        return
    add(
        f"SC{transport_id(key)}",
        "sctp-transport",
        {
            "transportId": transport_id(key),
            "smoothedRoundTripTime": values.get("sctpSmoothedRoundTripTime"),
            "congestionWindow": values["sctpCongestionWindow"],
            "receiverWindow": values["sctpReceiverWindow"],
            "mtu": values["sctpMtu"],
            "unacknowledgedBytes": values["sctpUnacknowledgedBytes"],
            "queuedBytes": values["sctpQueuedBytes"],
            "chunksRetransmitted": values["sctpRetransmitted"],
            "messagesAbandoned": values["sctpAbandoned"],
            "packetsDiscarded": values["sctpDiscarded"],
        },
    )


def _add_certificate(der: bytes, add: Add) -> str:
    """RTCCertificateStats; its id."""
    fingerprint = hashlib.sha256(der).hexdigest().upper()
    id = f"CF{fingerprint}"
    add(
        id,
        "certificate",
        {
            "fingerprint": ":".join(textwrap.wrap(fingerprint, 2)),
            "fingerprintAlgorithm": "sha-256",
            "base64Certificate": base64.b64encode(der).decode(),
        },
    )
    return id


def _pair_bytes(members: Stats, figures: LinkFigures) -> Stats:
    """The pair in use carries all that its transport does."""
    if members.get("nominated") and figures.transport:
        names = ("bytesSent", "bytesReceived", "packetsSent", "packetsReceived", "availableOutgoingBitrate")
        return {**members, **{name: figures.transport.get(name) for name in names}}
    return members


def _dtls_role(connection: "Connection", key: int) -> str:
    for transport in connection.session.transports:
        if transport.key == key and transport.role is not None:
            return str(transport.role)
    return "unknown"
