import pytest

from visavis.rtc import RTCDtlsTransport, RTCDtlsTransportState, RTCIceTransport, RTCIceTransportState
from visavis.rtc.ice_transport import RTCIceGathererState
from visavis.rtc.states import connection_state, gathering_state, ice_connection_state


def transports(*states: str) -> list[RTCDtlsTransport]:
    """Each is `ice dtls`."""
    made: list[RTCDtlsTransport] = []
    for state in states:
        ice, dtls = state.split()
        transport = RTCDtlsTransport(RTCIceTransport())
        transport.iceTransport.set_state(RTCIceTransportState(ice))
        transport.set_state(RTCDtlsTransportState(dtls))
        made.append(transport)
    return made


@pytest.mark.parametrize(
    ("states", "ice", "whole"),
    [
        ([], "new", "new"),
        (["new new"], "new", "new"),
        (["new new", "checking new"], "checking", "connecting"),
        (["new new", "connected connected"], "checking", "connecting"),
        (["connected connecting"], "connected", "connecting"),
        (["connected connected", "completed connected"], "connected", "connected"),
        (["completed connected", "closed closed"], "completed", "connected"),
        (["disconnected connected", "connected connected"], "disconnected", "disconnected"),
        (["failed connected", "disconnected connected"], "failed", "failed"),
        (["connected failed"], "connected", "failed"),
        (["closed closed"], "new", "new"),
    ],
)
def test_states_are_derived_from_all_transports(states: list[str], ice: str, whole: str) -> None:
    assert ice_connection_state(transports(*states)) == ice
    assert connection_state(transports(*states)) == whole


@pytest.mark.parametrize(
    ("states", "derived"),
    [
        ([], "new"),
        (["new"], "new"),
        (["new", "complete"], "new"),
        (["new", "gathering"], "gathering"),
        (["gathering", "complete"], "gathering"),
        (["complete", "complete"], "complete"),
    ],
)
def test_gathering_is_complete_once_it_is_everywhere(states: list[str], derived: str) -> None:
    made = transports(*["new new"] * len(states))
    for transport, state in zip(made, states, strict=True):
        transport.iceTransport.set_gathering_state(RTCIceGathererState(state))
    assert gathering_state(made) == derived
