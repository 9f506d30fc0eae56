"""The network of a connection over the data plane of its event loop."""

from functools import partial

from visavis.dataplane.commands import TransportId
from visavis.ice import Foundations
from visavis.jsep import IceCredentials, Transport
from visavis.rtc.agent_link import AgentLink
from visavis.rtc.candidate_pool import CandidatePool
from visavis.rtc.certificate import RTCCertificate
from visavis.rtc.configuration import RTCConfiguration
from visavis.rtc.host_names import HostNames
from visavis.rtc.loop_plane import LoopPlane, acquire, release
from visavis.rtc.network import LinkEvents, Network
from visavis.rtc.network_settings import NetworkSettings


class PlaneNetwork:
    """One connection's transports; holds the data plane until it is closed."""

    def __init__(self, held: LoopPlane, settings: NetworkSettings) -> None:
        self._held = held
        self._settings = settings
        self._ids: dict[int, TransportId] = {}
        self._foundations = Foundations()
        self._names = HostNames(held.mdns)
        self._pool = CandidatePool(held, self._foundations, self._names, settings)

    def credentials(self, key: int) -> IceCredentials:
        """Credentials that lead to the data plane thread of the transport; those of the pool, for one that
        it can serve."""
        if key not in self._ids and self._pool.credentials is not None:
            return self._pool.credentials
        plane = self._held.plane
        return IceCredentials(plane.new_ufrag(self._id(key)), plane.new_password())

    def fill_pool(self, configuration: RTCConfiguration, certificate: RTCCertificate) -> None:
        """Gathers ahead."""
        self._pool.fill(configuration, certificate)

    def open(self, transport: Transport, certificate: RTCCertificate, events: LinkEvents) -> AgentLink:
        """A transport with its agent, from the pool if that fits; else `gather` opens it."""
        forget = partial(self._forget, transport.key)
        pooled = self._pool.take(transport) if transport.key not in self._ids else None
        if pooled is not None:
            pooled.leave_pool(transport.controlling, events, forget)
            self._ids[transport.key] = pooled.id
            return pooled
        return AgentLink(
            self._held,
            self._id(transport.key),
            certificate,
            transport.controlling,
            self._foundations,
            self._names,
            self._settings,
            events,
            forget,
        )

    def close(self) -> None:
        """Gives back the pool, names, identifiers that were never opened, and the data plane."""
        self._pool.drain()
        self._names.close()
        for key in list(self._ids):
            self._forget(key)
        release(self._held)

    def _forget(self, key: int) -> None:
        if (id := self._ids.pop(key, None)) is not None:
            self._held.plane.forget(id)

    def _id(self, key: int) -> TransportId:
        if key not in self._ids:
            self._ids[key] = self._held.plane.new_transport()
        return self._ids[key]


def open_network(settings: NetworkSettings) -> Network:
    """The network of one more connection on the running event loop."""
    return PlaneNetwork(acquire(settings), settings)
