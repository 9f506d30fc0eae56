"""What a publisher's m-line says of its streams: SSRCs (RFC 5576) and simulcast layers (RFC 8853)."""

from visavis.sdp import Attribute, MediaDescription, Rid, Simulcast, SimulcastRid, Ssrc, SsrcGroup


def paired_ssrcs(media: MediaDescription) -> tuple[tuple[int, int | None], ...]:
    """Each source with its RTX source or None (RFC 4588 section 8.6), in the order of the description."""
    repairs: dict[int, int] = {}
    for group in media.every(SsrcGroup):
        if group.semantics == "FID" and len(group.ssrcs) == 2:
            repairs.setdefault(group.ssrcs[0], group.ssrcs[1])
    repaired = set(repairs.values())
    sources = dict.fromkeys(line.ssrc for line in media.every(Ssrc))
    return tuple((ssrc, repairs.get(ssrc)) for ssrc in sources if ssrc not in repaired)


MAX_LAYERS = 8
"""What the data plane keeps apart of one track."""


def _chosen(media: MediaDescription) -> tuple[SimulcastRid, ...]:
    """The streams the peer sends: of each the first alternative it describes (RFC 8853 section 5.3.2)."""
    simulcast = media.first(Simulcast)
    if simulcast is None:
        return ()
    described = {rid.id for rid in media.every(Rid) if rid.direction == "send"}
    streams = (next((rid for rid in stream if rid.id in described), None) for stream in simulcast.send)
    return tuple({rid.id: rid for rid in streams if rid is not None}.values())


def layers(media: MediaDescription) -> tuple[str, ...]:
    """The rids of a simulcast m-line, in its order."""
    return tuple(rid.id for rid in _chosen(media))


def received_simulcast(media: MediaDescription) -> tuple[Attribute, ...]:
    """The lines that answer an offer to send simulcast (RFC 8853 section 5.3.2): the same streams, received.

    Restrictions stay as offered (RFC 8851 section 6.3), but for payload types: the formats decide those.
    """
    chosen = _chosen(media)
    if not chosen:
        return ()
    return (*received_rids(media), Simulcast(recv=tuple((rid,) for rid in chosen)))


def received_rids(media: MediaDescription) -> tuple[Rid, ...]:
    """The `a=rid` lines of the streams that an offer sends, as who receives them says them."""
    described = {rid.id: rid for rid in media.every(Rid) if rid.direction == "send"}
    return tuple(Rid(rid.id, "recv", _restrictions(described[rid.id])) for rid in _chosen(media))


def _restrictions(rid: Rid) -> str | None:
    kept = [one for one in (rid.restrictions or "").split(";") if one and not one.startswith("pt=")]
    return ";".join(kept) or None
