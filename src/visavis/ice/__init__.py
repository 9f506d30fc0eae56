"""ICE decided in Python (RFC 8445, 8838, 8839, 8863): gathering, pairing, nomination, restart."""

from visavis.ice.agent import IceAgent
from visavis.ice.candidate import (
    Candidate,
    CandidateType,
    Foundations,
    LocalCandidate,
    TcpType,
    candidate_priority,
)
from visavis.ice.checklist import CandidatePair, PairStatus
from visavis.ice.events import AgentEvents
from visavis.ice.gathering import CandidateError
from visavis.ice.options import (
    Credentials,
    IceOptions,
    Interface,
    InterfaceFilter,
    Machine,
    Resolver,
    every_interface,
)
from visavis.ice.servers import IceServer, ice_servers
from visavis.ice.states import GatheringState, IceState

__all__ = [
    "AgentEvents",
    "Candidate",
    "CandidateError",
    "CandidatePair",
    "CandidateType",
    "Credentials",
    "Foundations",
    "GatheringState",
    "IceAgent",
    "IceOptions",
    "IceServer",
    "IceState",
    "Interface",
    "InterfaceFilter",
    "LocalCandidate",
    "Machine",
    "PairStatus",
    "Resolver",
    "TcpType",
    "candidate_priority",
    "every_interface",
    "ice_servers",
]
