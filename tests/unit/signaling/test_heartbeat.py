from visavis.signaling.heartbeat import ANSWER_S, SILENCE_S, Heartbeat
from visavis.testing.clock import ManualClock


class Peer:
    """Hears pings, and whether it is taken for dead."""

    def __init__(self) -> None:
        self.clock = ManualClock()
        self.pings = 0
        self.dead = 0
        self.heartbeat = Heartbeat(self.clock, self._pinged, self._died)

    def _pinged(self) -> None:
        self.pings += 1

    def _died(self) -> None:
        self.dead += 1


def test_who_speaks_is_not_pinged() -> None:
    peer = Peer()
    for _ in range(20):
        peer.clock.advance(SILENCE_S - 1)
        peer.heartbeat.heard()
    assert (peer.pings, peer.dead) == (0, 0)


def test_who_is_silent_is_pinged_and_lives_when_it_answers() -> None:
    peer = Peer()
    for pings in range(1, 4):
        peer.clock.advance(SILENCE_S)
        assert peer.pings == pings
        peer.clock.advance(ANSWER_S - 1)
        peer.heartbeat.heard()
    peer.clock.advance(2)
    assert (peer.pings, peer.dead) == (3, 0)


def test_who_does_not_answer_is_dead_once() -> None:
    peer = Peer()
    peer.clock.advance(SILENCE_S + ANSWER_S - 0.001)
    assert (peer.pings, peer.dead) == (1, 0)
    peer.clock.advance(1000)
    assert (peer.pings, peer.dead) == (1, 1)


def test_a_closed_socket_is_not_pinged() -> None:
    peer = Peer()
    peer.heartbeat.stop()
    assert peer.clock.pending() == 0
