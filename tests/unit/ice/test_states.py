"""webrtc-pc section 5.6.2, RTCIceTransportState, and RFC 8863."""

from dataclasses import replace

import pytest

from visavis.ice import IceState
from visavis.ice.states import Connection, Knowledge, ice_state

CHECKING = Knowledge(
    closed=False,
    restarted=False,
    started=True,
    connection=Connection.NONE,
    selected_now=True,
    locals_gathered=True,
    local_candidates=1,
    remotes_ended=True,
    remote_candidates=1,
    open_pairs=1,
    failed_pairs=0,
    patience_over=False,
)
EXHAUSTED = replace(CHECKING, open_pairs=0, failed_pairs=1)


@pytest.mark.parametrize(
    ("known", "state"),
    [
        (CHECKING, IceState.CHECKING),
        (replace(CHECKING, closed=True), IceState.CLOSED),
        (replace(CHECKING, started=False), IceState.NEW),
        (replace(CHECKING, started=False, restarted=True), IceState.CHECKING),
        (replace(EXHAUSTED, remote_candidates=0, failed_pairs=0, remotes_ended=False), IceState.NEW),
        (EXHAUSTED, IceState.CHECKING),
        (replace(EXHAUSTED, patience_over=True), IceState.FAILED),
        (replace(EXHAUSTED, local_candidates=0), IceState.FAILED),
        (replace(EXHAUSTED, remotes_ended=False), IceState.DISCONNECTED),
        (replace(EXHAUSTED, locals_gathered=False), IceState.DISCONNECTED),
        (replace(EXHAUSTED, remotes_ended=False, patience_over=True), IceState.FAILED),
        (replace(CHECKING, patience_over=True), IceState.CHECKING),
        (replace(CHECKING, connection=Connection.UP), IceState.CONNECTED),
        (replace(EXHAUSTED, connection=Connection.UP), IceState.COMPLETED),
        (replace(EXHAUSTED, connection=Connection.UP, selected_now=False), IceState.CONNECTED),
        (replace(EXHAUSTED, connection=Connection.UP, remotes_ended=False), IceState.CONNECTED),
        (replace(EXHAUSTED, connection=Connection.UP, locals_gathered=False), IceState.CONNECTED),
        (replace(CHECKING, connection=Connection.SILENT), IceState.DISCONNECTED),
        (replace(CHECKING, connection=Connection.LOST), IceState.FAILED),
    ],
)
def test_the_state_follows_from_what_is_known(known: Knowledge, state: IceState) -> None:
    assert ice_state(known) is state
