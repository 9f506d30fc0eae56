"""Random names in the place of this machine's addresses (draft-ietf-mmusic-mdns-ice-candidates, 3.1)."""

import logging

from visavis.ice.mdns_socket import MdnsSocket
from visavis.sdp import Candidate
from visavis.values import replace

_log = logging.getLogger(__name__)
_NO_ADDRESS = "0.0.0.0"


class HostNames:
    """The names of one connection: one for each address, answered for until the connection is closed, and
    never those of another, which would show that both are here."""

    def __init__(self, mdns: MdnsSocket) -> None:
        self._mdns = mdns
        self._names: dict[str, str] = {}

    def hide(self, candidate: Candidate) -> Candidate | None:
        """The candidate as the peer may see it: a host candidate by its name, others without the address of
        their base. None when no name is to be had: then it is not told at all."""
        if candidate.type != "host":
            related = candidate.related_address is not None
            return replace(candidate, related_address=_NO_ADDRESS, related_port=0) if related else candidate
        name = self._names.get(candidate.address) or self._mdns.publish(candidate.address)
        if name is None:
            _log.warning("a host candidate is not told: there is no name for its address")
            return None
        self._names[candidate.address] = name
        return replace(candidate, address=name)

    def close(self) -> None:
        """Takes the names back; idempotent."""
        for name in self._names.values():
            self._mdns.withdraw(name)
        self._names.clear()
