"""Two ends of a negotiation, with randomness that repeats."""

import random
from typing import Any

from visavis.dataplane.commands import Fingerprint, Kind
from visavis.jsep import (
    Changes,
    IceCredentials,
    SdpType,
    Session,
    SignalingState,
    Transceiver,
    add_transceiver,
    create_answer,
    create_offer,
    set_local,
    set_remote,
)
from visavis.jsep.identity import identity
from visavis.jsep.reading import reversed_direction
from visavis.jsep.transport import is_live
from visavis.jsep.transports import transport_at


class SeededDraw:
    """Random values from a seed."""

    def __init__(self, seed: int) -> None:
        self._dice = random.Random(seed)

    def credentials(self, transport: int) -> IceCredentials:
        return IceCredentials(f"{self._dice.getrandbits(32):08x}", f"{self._dice.getrandbits(96):024x}")

    def ssrc(self) -> int:
        return self._dice.getrandbits(32)

    def track_id(self) -> str:
        return f"track-{self._dice.getrandbits(64):016x}"


def fingerprint(number: int) -> Fingerprint:
    return Fingerprint("sha-256", bytes([number]) * 32)


def new_session(number: int = 1, **options: Any) -> Session:
    return Session(
        session_id=1_000 + number,
        default_stream_id=f"default-{number}",
        cname=f"cname-{number}",
        fingerprints=(fingerprint(number),),
        **options,
    )


class Peer:
    """A session that moves on, and the changes of its last description."""

    def __init__(self, number: int = 1, **options: Any) -> None:
        self.session = new_session(number, **options)
        self.draw = SeededDraw(number)
        self.changes = Changes()

    def add(self, kind: Kind = Kind.AUDIO, **options: Any) -> int:
        self.session, key = add_transceiver(self.session, kind, self.draw, **options)
        return key

    def transceiver(self, key: int) -> Transceiver:
        return self.session.transceiver(key)

    def create_offer(self, *, ice_restart: bool = False) -> str:
        self.session, text = create_offer(self.session, self.draw, ice_restart=ice_restart)
        return text

    def create_answer(self) -> str:
        self.session, text = create_answer(self.session, self.draw)
        return text

    def local(self, type: SdpType, text: str = "") -> Changes:
        self.session, self.changes = set_local(self.session, type, text)
        return self.changes

    def remote(self, type: SdpType, text: str = "") -> Changes:
        self.session, self.changes = set_remote(self.session, type, text, self.draw)
        return self.changes

    def offer(self, *, ice_restart: bool = False) -> str:
        text = self.create_offer(ice_restart=ice_restart)
        self.local(SdpType.OFFER, text)
        return text

    def answer(self, type: SdpType = SdpType.ANSWER) -> str:
        text = self.create_answer()
        self.local(type, text)
        return text


def negotiate(offerer: Peer, answerer: Peer, *, ice_restart: bool = False) -> tuple[str, str]:
    """One whole exchange; the texts of both descriptions."""
    offer = offerer.offer(ice_restart=ice_restart)
    answerer.remote(SdpType.OFFER, offer)
    answer = answerer.answer()
    offerer.remote(SdpType.ANSWER, answer)
    return offer, answer


def lines(text: str, start: str) -> list[str]:
    """The lines of a description that start so."""
    return [line for line in text.split("\r\n") if line.startswith(start)]


def sections(text: str) -> list[str]:
    """The m-lines of a description, each with its lines."""
    return ["m=" + part for part in text.split("\r\nm=")[1:]]


def assert_consistent(session: Session) -> None:
    """What holds for every session, in every state."""
    places = [one.m_line_index for one in session.transceivers if one.m_line_index is not None]
    mids = [one.mid for one in session.transceivers if one.mid is not None]
    assert len(set(places)) == len(places)
    assert len(set(mids)) == len(mids)
    assert session.data.m_line_index not in places
    keys = {one.key for one in session.transports}
    used = {one.transport for one in session.transceivers if not one.stopped} | {session.data.transport}
    assert used - {None} <= keys
    if session.signaling_state is SignalingState.STABLE:
        assert used - {None} == keys
        assert (session.pending_local, session.pending_remote, session.stable) == (None, None, None)


def assert_agree(one: Session, other: Session) -> None:
    """Both ends have negotiated the same: m-lines, directions, formats, transports, roles."""
    assert one.signaling_state is other.signaling_state is SignalingState.STABLE
    assert_consistent(one)
    assert_consistent(other)
    if one.current_local is None:
        assert other.current_local is None
        return
    assert one.current_local is not None
    assert other.current_local is not None
    assert len(one.current_local.content.media) == len(other.current_local.content.media)
    assert (one.data.mid, one.data.m_line_index) == (other.data.mid, other.data.m_line_index)
    joined: dict[int, int] = {}
    for index in range(len(one.current_local.content.media)):
        _assert_agree_on_transport(one, other, index, joined)
        mine, theirs = one.transceiver_at(index), other.transceiver_at(index)
        if mine is None or theirs is None or mine.stopped or theirs.stopped:
            assert mine is None or mine.stopped or _is_rejected(one, index)
            assert theirs is None or theirs.stopped or _is_rejected(other, index)
            continue
        assert mine.mid == theirs.mid
        assert mine.current_direction is not None
        assert theirs.current_direction is not None
        assert mine.current_direction is reversed_direction(theirs.current_direction)
        _assert_agree_on_formats(mine, theirs)
        _assert_agree_on_formats(theirs, mine)
        assert {(x.id, x.uri) for x in mine.extensions} == {(x.id, x.uri) for x in theirs.extensions}


def _is_rejected(session: Session, index: int) -> bool:
    sections = [
        one.section(index) for one in (session.current_local, session.current_remote) if one is not None
    ]
    return any(section is not None and not is_live(section) for section in sections)


def _assert_agree_on_formats(sender: Transceiver, receiver: Transceiver) -> None:
    if sender.current_direction is not None and sender.current_direction.sends:
        assert sender.send_formats
        received = {one.payload_type: identity(one) for one in receiver.receive_formats}
        for format in sender.send_formats:
            assert format.payload_type is not None
            assert received[format.payload_type] == identity(format)
        if sender.direction.sends and sender.remote_ssrcs:
            assert receiver.ssrc in {ssrc for ssrc, _ in sender.remote_ssrcs}


def _assert_agree_on_transport(one: Session, other: Session, index: int, joined: dict[int, int]) -> None:
    mine, theirs = transport_at(one, index), transport_at(other, index)
    if mine is None or theirs is None or _is_rejected(one, index):
        return
    assert joined.setdefault(mine.key, theirs.key) == theirs.key
    assert (mine.remote, theirs.remote) == (theirs.local, mine.local)
    assert (mine.fingerprints, theirs.fingerprints) == (other.fingerprints, one.fingerprints)
    assert {mine.role, theirs.role} == {"client", "server"}
