"""webrtc-stats sections 8.19 and 8.20."""

from visavis.ice import IceOptions, ice_servers
from visavis.ice.stats import local_candidate_stats, pair_id, pair_stats, remote_candidate_stats
from visavis.testing.clock import ManualClock
from visavis.testing.icepeer import IcePeer, meet
from visavis.testing.network import Host, Internet
from visavis.testing.turnserver import FakeTurnServer


def test_candidates_and_pairs_are_told_by_the_names_of_webrtc_stats() -> None:
    clock = ManualClock()
    internet = Internet(clock)
    FakeTurnServer(clock, internet, "198.51.100.2", {"ada": "secret"})
    options = IceOptions(servers=ice_servers(["turn:198.51.100.2"], "ada", "secret"))
    ada = IcePeer("a", Host(clock, internet, "192.0.2.1"), controlling=True, options=options)
    bob = IcePeer("b", Host(clock, internet, "192.0.2.2"), controlling=False)
    meet(ada, bob, clock)
    clock.advance(1.0)
    host, relay = (local_candidate_stats(local, "T0") for local in ada.agent.local_candidates)
    assert host == {
        "type": "local-candidate",
        "id": "T0-local-1000-host-192.0.2.1-50000",
        "transportId": "T0",
        "address": "192.0.2.1",
        "port": 50000,
        "protocol": "udp",
        "candidateType": "host",
        "priority": 2130706431,
        "foundation": "1",
        "usernameFragment": "a0000001",
    }
    assert (relay["url"], relay["relayProtocol"]) == ("turn:198.51.100.2", "udp")
    assert (relay["relatedAddress"], relay["relatedPort"]) == ("192.0.2.1", 50000)
    (remote,) = (remote_candidate_stats(one, "T0") for one in ada.agent.remote_candidates)
    assert (remote["type"], remote["address"]) == ("remote-candidate", "192.0.2.2")
    first, second = pair_stats(ada.agent.pairs, "T0")
    assert ada.agent.selected is not None
    assert first["id"] == pair_id(ada.agent.selected, "T0")
    assert first == {
        "type": "candidate-pair",
        "id": "T0-pair-1000-192.0.2.2-50000",
        "transportId": "T0",
        "localCandidateId": host["id"],
        "remoteCandidateId": remote["id"],
        "state": "succeeded",
        "nominated": True,
        "totalRoundTripTime": first["currentRoundTripTime"],
        "responsesReceived": 1,
        "currentRoundTripTime": first["currentRoundTripTime"],
    }
    assert round(first["currentRoundTripTime"], 6) == 0.02
    assert (second["nominated"], second["localCandidateId"]) == (False, relay["id"])
