"""RTCConfiguration (webrtc-pc section 4.2) and "set the configuration" (section 4.4.1.6)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Annotated

from visavis.errors import DOMException, IceServerError
from visavis.ice import ice_servers
from visavis.jsep import BundlePolicy, RtcpMuxPolicy
from visavis.rtc import certificate, idl
from visavis.rtc.certificate import RTCCertificate
from visavis.rtc.idl import Octet, Range

PathMtu = Annotated[int, Range(600, 16_240)]
"""Bytes of a datagram, all above UDP counted."""

RTCBundlePolicy = BundlePolicy
RTCRtcpMuxPolicy = RtcpMuxPolicy


class RTCIceTransportPolicy(StrEnum):
    """Which candidates may be used (RFC 9429 section 4.1.1)."""

    RELAY = "relay"
    ALL = "all"


class NetworkChange(StrEnum):
    """What a connection does when the address that it uses is gone from the machine, or when addresses
    change while it has no path: `restart` fires `negotiationneeded`, and the next offer restarts ICE;
    `ignore` leaves that to the program."""

    RESTART = "restart"
    IGNORE = "ignore"


MAX_MESSAGE_BYTES = 64 << 20
"""What an association holds at most to be sent."""
MessageSize = Annotated[int, idl.Range(1, MAX_MESSAGE_BYTES)]


@dataclass(slots=True)
class RTCIceServer:
    """A STUN or TURN server (RFC 7064, RFC 7065); TURN needs a name and a password."""

    urls: list[str] | str
    username: str | None = None
    credential: str | None = None


@dataclass(slots=True)
class RTCConfiguration:
    """What a connection is made from.

    What is in snake_case are additions to the standard's. `hide_host_addresses` has the peer, and the
    signaling between, see random `.local` names in the place of this machine's addresses, which multicast DNS
    answers for on the local network; `path_mtu_bytes` holds the datagrams of data channels at that size,
    where they would else be as long as is found out to arrive. Both count from the next gathering on.
    `max_message_size`, in bytes, at most 64 MiB, is the longest message that data channels take from the
    peer, which is told so. With `receive_simulcast` all streams that the peer offers to send as simulcast are
    received (`RTCRtpReceiver.layer_tracks`).
    """

    iceServers: list[RTCIceServer] = field(default_factory=list[RTCIceServer])
    iceTransportPolicy: RTCIceTransportPolicy = RTCIceTransportPolicy.ALL
    bundlePolicy: BundlePolicy = BundlePolicy.BALANCED
    rtcpMuxPolicy: RtcpMuxPolicy = RtcpMuxPolicy.REQUIRE
    certificates: list[RTCCertificate] = field(default_factory=list[RTCCertificate])
    iceCandidatePoolSize: Octet = 0
    network_change: NetworkChange = NetworkChange.RESTART
    hide_host_addresses: bool = False
    max_message_size: MessageSize = 262_144
    path_mtu_bytes: PathMtu | None = None
    receive_simulcast: bool = False


def new(configuration: RTCConfiguration | Mapping[str, object] | None) -> RTCConfiguration:
    """The configuration of a new connection, checked.

    Raises:
        TypeError: It has no such members, or values of the wrong type.
        DOMException: `SyntaxError`, no URL of a server; `InvalidAccessError`, TURN without name or password,
            or a certificate that has expired.
    """
    read = _read(configuration)
    now_ms = certificate.now_ms()
    if any(one.expires < now_ms for one in read.certificates):
        raise DOMException("a certificate has expired", "InvalidAccessError")
    return read


def changed(
    configuration: RTCConfiguration | Mapping[str, object] | None,
    old: RTCConfiguration,
    *,
    pool_is_fixed: bool,
) -> RTCConfiguration:
    """The configuration that `setConfiguration` sets.

    Args:
        configuration: what the program hands over.
        old: the present one.
        pool_is_fixed: whether `setLocalDescription` was called already.

    Raises:
        TypeError: As `new` does.
        DOMException: As `new` does, or `InvalidModificationError`: a member that cannot be changed.
    """
    read = _read(configuration)
    fixed = {
        "certificates": len(read.certificates) == len(old.certificates)
        and all(ours is theirs for ours, theirs in zip(read.certificates, old.certificates, strict=True)),
        "bundlePolicy": read.bundlePolicy is old.bundlePolicy,
        "rtcpMuxPolicy": read.rtcpMuxPolicy is old.rtcpMuxPolicy,
        "max_message_size": read.max_message_size == old.max_message_size,
        "iceCandidatePoolSize": not pool_is_fixed or read.iceCandidatePoolSize == old.iceCandidatePoolSize,
    }
    for name, unchanged in fixed.items():
        if not unchanged:
            raise DOMException(f"{name} cannot be changed any more", "InvalidModificationError")
    return read


def _read(configuration: RTCConfiguration | Mapping[str, object] | None) -> RTCConfiguration:
    read = idl.dictionary(RTCConfiguration, configuration)
    for server in read.iceServers:
        _check(server)
    return read


def _check(server: RTCIceServer) -> None:
    """The algorithm "validate an ICE server URL", for each of a server's."""
    server.urls = [server.urls] if isinstance(server.urls, str) else server.urls
    try:
        ice_servers(server.urls, server.username, server.credential)
    except IceServerError as error:
        raise DOMException(str(error), error.name) from None
