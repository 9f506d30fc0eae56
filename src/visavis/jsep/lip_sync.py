"""Lip sync groups (RFC 5888 section 7, RFC 9429 sections 5.2.1 and 5.3.1)."""

from collections.abc import Iterable

from visavis.jsep.session import Session, Transceiver
from visavis.jsep.slots import Slot
from visavis.sdp import Group, SessionDescription


def offered_lip_sync(slots: Iterable[Slot]) -> tuple[Group, ...]:
    """One group for each stream that more than one sending m-line names."""
    streams: dict[str, list[str]] = {}
    for slot in slots:
        transceiver, mid = slot.transceiver, slot.mid
        if transceiver is not None and mid is not None and transceiver.direction.sends:
            for stream_id in dict.fromkeys(transceiver.stream_ids):
                streams.setdefault(stream_id, []).append(mid)
    groups = dict.fromkeys(tuple(mids) for mids in streams.values() if len(mids) > 1)
    return tuple(Group("LS", mids) for mids in groups)


def answered_lip_sync(
    session: Session, offer: SessionDescription, accepted: frozenset[str]
) -> tuple[Group, ...]:
    """The offered groups, of each the m-lines that share a stream of ours, or name none."""
    by_mid = {one.mid: one for one in session.transceivers if one.mid in accepted}
    groups: list[Group] = []
    for group in offer.every(Group):
        if group.semantics == "LS":
            members = [by_mid[mid] for mid in group.mids if mid in by_mid]
            kept = [one for one in members if not one.stream_ids or _shares(one, members)]
            if len(kept) > 1:
                groups.append(Group("LS", tuple(one.mid for one in kept if one.mid is not None)))
    return tuple(groups)


def _shares(one: Transceiver, members: Iterable[Transceiver]) -> bool:
    return any(set(one.stream_ids) & set(other.stream_ids) for other in members if other is not one)
