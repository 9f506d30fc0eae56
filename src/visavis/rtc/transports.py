"""A connection's transports: the W3C objects, the links under them, and what each does to the other."""

from typing import TYPE_CHECKING

from visavis.events import Event
from visavis.jsep import (
    Changes,
    RemoteCandidates,
    Session,
)
from visavis.rtc.bound_transport import BoundTransport, section_of
from visavis.rtc.dtls_transport import RTCDtlsTransport
from visavis.rtc.ice_candidate import RTCIceCandidate, RTCLocalIceCandidateInit
from visavis.rtc.network import Link, MediaPath
from visavis.rtc.prohibited import is_prohibited
from visavis.values import replace

if TYPE_CHECKING:
    from visavis.rtc.connection import Connection


class Transports:
    """All transports of a connection, by their keys."""

    def __init__(self, connection: "Connection") -> None:
        self._connection = connection
        self._bound: dict[int, BoundTransport] = {}
        self._reserved: BoundTransport | None = None

    def get(self, key: int | None) -> RTCDtlsTransport | None:
        """The W3C object of a transport."""
        bound = None if key is None else self._bound.get(key)
        return None if bound is None else bound.dtls_transport

    def all(self) -> list[BoundTransport]:
        """All, in the order of their keys."""
        return [self._bound[key] for key in sorted(self._bound)]

    def media_path(self, key: int) -> MediaPath | None:
        """Where the media of a transport travels."""
        bound = self._bound.get(key)
        return None if bound is None or bound.link is None else bound.link.media_path

    def link(self, key: int | None) -> Link | None:
        """The link of a transport, while it has one."""
        bound = None if key is None else self._bound.get(key)
        return None if bound is None else bound.link

    def create(self, session: Session) -> None:
        """Makes the objects of transports that a description has brought."""
        for transport in session.transports:
            if transport.key not in self._bound:
                self._bound[transport.key] = self._new(transport.key, session.data.transport)
            self._bound[transport.key].follow(transport)

    def reserve(self) -> RTCDtlsTransport:
        """The objects of a transport that data will have: the peer offered it, and is not answered yet."""
        if self._reserved is None:
            self._reserved = BoundTransport(self._connection, 0)
        return self._reserved.dtls_transport

    def apply(self, session: Session, changes: Changes, *, rolled_back: bool) -> None:
        """Does to the links what setting a description, or rolling one back, asks for."""
        network = self._connection.network
        opened = [self._bound[key] for key in changes.opened]
        for bound in opened:
            bound.link = network.open(session.transport(bound.key), self._connection.certificate, bound)
            bound.gathering()  # all of them, before one may be complete
        for bound in opened:
            if bound.link is not None:
                bound.gather(bound.link, session.transport(bound.key).local)
        for key in changes.restarted:
            bound = self._bound[key]
            if bound.link is not None and rolled_back:
                bound.restore(bound.link, session.transport(key))
            elif bound.link is not None:
                bound.gather(bound.link, session.transport(key).local)
        for key in changes.connected:
            if (link := self._bound[key].link) is not None:
                link.connect(session.transport(key))
        for candidates in changes.candidates:
            self.add_candidates(session, candidates)
        for key in changes.closed:
            self._retire(key)

    def add_candidates(self, session: Session, candidates: RemoteCandidates) -> None:
        """Hands the peer's candidates to their link."""
        bound = self._bound.get(candidates.transport)
        if bound is None or bound.link is None:
            return
        mid, index = section_of(session, candidates.transport)
        policy = self._connection.configuration.iceTransportPolicy
        allowed = tuple(one for one in candidates.candidates if not is_prohibited(one, policy))
        for candidate in candidates.candidates:
            init = RTCLocalIceCandidateInit(f"candidate:{candidate}", mid, index, candidates.ufrag)
            bound.ice_transport.add_remote(RTCIceCandidate.of(init))
        bound.link.add_candidates(replace(candidates, candidates=allowed))

    def close(self) -> None:
        """Ends all."""
        for bound in self._bound.values():
            bound.close()

    def _new(self, key: int, of_data: int | None) -> BoundTransport:
        reserved = self._reserved
        if reserved is None or key != of_data:
            return BoundTransport(self._connection, key)
        self._reserved = None
        reserved.key = key
        return reserved

    def _retire(self, key: int) -> None:
        """A transport that no m-line uses any more: its objects tell that they are closed, in a task."""
        bound = self._bound.pop(key, None)
        if bound is None:
            return
        bound.close_link()

        def tell() -> None:
            bound.set_closed()
            bound.ice_transport.dispatchEvent(Event("statechange"))
            bound.dtls_transport.dispatchEvent(Event("statechange"))

        self._connection.tasks.queue(tell)
