"""What webrtc-stats says of candidates and pairs (sections 8.19 and 8.20), as far as ICE knows it."""

from collections.abc import Iterable
from typing import Any

from visavis.ice.candidate import Candidate, LocalCandidate
from visavis.ice.checklist import CandidatePair

Stats = dict[str, Any]
"""A dictionary of webrtc-stats, without `timestamp`, which is the caller's."""


def local_candidate_stats(local: LocalCandidate, transport_id: str) -> Stats:
    """RTCIceCandidateStats of type `local-candidate`."""
    stats = _candidate_stats(local.candidate, "local-candidate", local_id(local, transport_id), transport_id)
    if local.url is not None:
        stats["url"] = local.url
    if local.relay_protocol is not None:
        stats["relayProtocol"] = local.relay_protocol
    return stats


def remote_candidate_stats(remote: Candidate, transport_id: str) -> Stats:
    """RTCIceCandidateStats of type `remote-candidate`."""
    return _candidate_stats(remote, "remote-candidate", remote_id(remote, transport_id), transport_id)


def pair_stats(pairs: Iterable[CandidatePair], transport_id: str) -> list[Stats]:
    """RTCIceCandidatePairStats of a check list; bytes and packets are the data plane's to add."""
    found: list[Stats] = []
    for pair in pairs:
        stats: Stats = {
            "type": "candidate-pair",
            "id": pair_id(pair, transport_id),
            "transportId": transport_id,
            "localCandidateId": local_id(pair.local, transport_id),
            "remoteCandidateId": remote_id(pair.remote, transport_id),
            "state": str(pair.status),
            "nominated": pair.nominated,
            "totalRoundTripTime": pair.total_rtt_s,
            "responsesReceived": pair.responses,
        }
        if pair.rtt_s is not None:
            stats["currentRoundTripTime"] = pair.rtt_s
        found.append(stats)
    return found


def pair_id(pair: CandidatePair, transport_id: str) -> str:
    """The same for the life of a pair; `selectedCandidatePairId` of RTCTransportStats."""
    host, port = pair.remote.transport_address
    return f"{transport_id}-pair-{pair.socket}-{host}-{port}"


def local_id(local: LocalCandidate, transport_id: str) -> str:
    """The same for the life of a candidate."""
    one = local.candidate
    return f"{transport_id}-local-{local.socket}-{one.type}-{one.address}-{one.port}"


def remote_id(remote: Candidate, transport_id: str) -> str:
    """The same for the life of a candidate, when it turns out what a peer-reflexive one is, too."""
    kind = "" if remote.tcp_type is None else f"-{remote.tcp_type}"
    return f"{transport_id}-remote-{remote.address}-{remote.port}{kind}"


def _candidate_stats(candidate: Candidate, type_: str, id_: str, transport_id: str) -> Stats:
    stats: Stats = {
        "type": type_,
        "id": id_,
        "transportId": transport_id,
        "address": candidate.address,
        "port": candidate.port,
        "protocol": candidate.protocol,
        "candidateType": str(candidate.type),
        "priority": candidate.priority,
        "foundation": candidate.foundation,
    }
    if candidate.related is not None:
        stats["relatedAddress"], stats["relatedPort"] = candidate.related
    if candidate.ufrag is not None:
        stats["usernameFragment"] = candidate.ufrag
    if candidate.tcp_type is not None:
        stats["tcpType"] = candidate.tcp_type
    return stats
