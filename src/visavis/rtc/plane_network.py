"""The network of a connection over the data plane of its event loop."""

from visavis.dataplane.commands import TransportId
from visavis.ice import Foundations
from visavis.jsep import IceCredentials, Transport
from visavis.rtc.agent_link import AgentLink
from visavis.rtc.certificate import RTCCertificate
from visavis.rtc.loop_plane import LoopPlane, acquire, release
from visavis.rtc.network import LinkEvents, Network


class PlaneNetwork:
    """One connection's transports; holds the data plane until it is closed."""

    def __init__(self, held: LoopPlane) -> None:
        self._held = held
        self._ids: dict[int, TransportId] = {}
        self._foundations = Foundations()

    def credentials(self, key: int) -> IceCredentials:
        """Credentials that lead to the data plane thread of the transport."""
        plane = self._held.plane
        return IceCredentials(plane.new_ufrag(self._id(key)), plane.new_password())

    def open(self, transport: Transport, certificate: RTCCertificate, events: LinkEvents) -> AgentLink:
        """A transport with its agent; `gather` opens it."""
        id = self._id(transport.key)
        return AgentLink(self._held, id, certificate, transport, self._foundations, events)

    def close(self) -> None:
        """Gives back identifiers that were never opened, and the data plane."""
        for id in self._ids.values():
            self._held.plane.forget(id)
        release(self._held)

    def _id(self, key: int) -> TransportId:
        if key not in self._ids:
            self._ids[key] = self._held.plane.new_transport()
        return self._ids[key]


def open_network() -> Network:
    """The network of one more connection on the running event loop."""
    return PlaneNetwork(acquire())
