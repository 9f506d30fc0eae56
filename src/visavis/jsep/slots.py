"""Which m-lines the next offer has, and whose they are (RFC 9429 section 5.2.2)."""

from collections.abc import Iterable
from dataclasses import dataclass

from visavis.jsep.session import Description, SdpType, Session, Transceiver
from visavis.jsep.transport import is_live
from visavis.sdp import MediaDescription


@dataclass(frozen=True, slots=True)
class Slot:
    """An m-line of an offer: a transceiver's, the data channels', or rejected.

    `previous` is what our last description has in its place, None where the place is new, or used again.
    """

    mid: str | None
    transceiver: Transceiver | None = None
    data: bool = False
    previous: MediaDescription | None = None

    @property
    def live(self) -> bool:
        """Whether it is not rejected."""
        return self.data or self.transceiver is not None

    @property
    def kind(self) -> str:
        """`audio`, `video` or `application`."""
        return "application" if self.transceiver is None else self.transceiver.kind.value


def last_answer(session: Session) -> Description | None:
    """The answer that ended the last negotiation, None before the first."""
    local, remote = session.current_local, session.current_remote
    return local if local is not None and local.type is not SdpType.OFFER else remote


class Mids:
    """New mids: a counter, which passes over those that are in use (RFC 9429 section 5.2.1).

    `more` are those of a description that is not set yet.
    """

    def __init__(self, session: Session, more: Iterable[str | None] = ()) -> None:
        descriptions = (
            session.current_local,
            session.pending_local,
            session.current_remote,
            session.pending_remote,
        )
        self._used = {media.mid for one in descriptions if one is not None for media in one.content.media}
        self._used.update(transceiver.mid for transceiver in session.transceivers)
        self._used.update(more)
        self.next = session.next_mid

    def new(self) -> str:
        """A mid that nothing has."""
        while str(self.next) in self._used:
            self.next += 1
        self.next += 1
        return str(self.next - 1)


def offer_slots(session: Session) -> tuple[Slot, ...]:
    """The m-lines of an offer: those that are there, then new ones, which use rejected places again first."""
    mids = Mids(session)
    local = () if session.local is None else session.local.content.media
    slots = [_slot(session, index, media) for index, media in enumerate(local)]
    free = [index for index in range(len(slots)) if not slots[index].live and _is_free(session, index)]
    fresh = [one for one in session.transceivers if one.m_line_index is None and not one.stopping]
    wanted = [Slot(mids.new(), transceiver) for transceiver in fresh]
    if session.wants_data and session.data.m_line_index is None:
        wanted.append(Slot(mids.new(), data=True))
    for slot in wanted:
        if free:
            slots[free.pop(0)] = slot
        else:
            slots.append(slot)
    return tuple(slots)


def _slot(session: Session, index: int, media: MediaDescription) -> Slot:
    transceiver = session.transceiver_at(index)
    if transceiver is not None and not transceiver.stopping:
        return Slot(transceiver.mid, transceiver, previous=media)
    if session.data.m_line_index == index:
        return Slot(session.data.mid, data=True, previous=media)
    return Slot(media.mid, previous=media)


def _is_free(session: Session, index: int) -> bool:
    """Whether an m-line is rejected already: only then may another one have its place."""
    sections = [
        one.section(index) for one in (session.current_local, session.current_remote) if one is not None
    ]
    return any(section is not None and not is_live(section) for section in sections)
