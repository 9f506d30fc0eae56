"""Our ends of transports, and sections, for tests."""

from visavis.dataplane.commands import Fingerprint, Kind
from visavis.jsep import LocalTransport, OfferedSection
from visavis.sdp import Candidate

HOST = Candidate("1", 1, "udp", 2130706431, "198.51.100.7", 3478, "host")
HOST_IP6 = Candidate("2", 1, "udp", 2130706175, "2001:db8::7", 3478, "host")
LOCAL = LocalTransport(
    ufrag="srvr",
    password="0123456789abcdefghijkl",
    fingerprint=Fingerprint("sha-256", bytes(range(32))),
    candidates=(HOST_IP6, HOST),
)


def offered(
    mid: str, kind: Kind = Kind.VIDEO, *, active: bool = True, track: str | None = None
) -> OfferedSection:
    """A section whose SSRCs follow from its mid."""
    ssrc = 1000 + 10 * int(mid)
    return OfferedSection(
        mid=mid,
        kind=kind,
        ssrc=ssrc,
        rtx_ssrc=ssrc + 1 if kind is Kind.VIDEO else None,
        cname="visavis-cname",
        stream_id=f"stream-{track or mid}",
        track_id=f"track-{track or mid}",
        active=active,
    )
