"""The figures of a link (`LinkFigures`): what the data plane has counted, and what the agent knows."""

import asyncio
import logging

from visavis.dataplane import Plane
from visavis.dataplane.commands import TransportId
from visavis.dataplane.reports import TransportStats
from visavis.errors import LocalProtocolError
from visavis.ice import IceAgent
from visavis.ice.stats import local_candidate_stats, pair_id, pair_stats, remote_candidate_stats
from visavis.rtc.network import LinkFigures

_log = logging.getLogger(__name__)
_TIMEOUT_S = 1.0


async def link_figures(plane: Plane, transport: TransportId, agent: IceAgent, id: str) -> LinkFigures:
    """Both; without an answer of the data plane what the agent knows. `id` is the transport's among them."""
    counted = TransportStats(transport, {}, [], [])
    try:
        async with asyncio.timeout(_TIMEOUT_S):
            counted = await plane.stats(transport)
    except (TimeoutError, LocalProtocolError, RuntimeError) as error:
        _log.debug("transport %d has no figures: %s", transport, error)
    selected = agent.selected
    return LinkFigures(
        counted.values,
        counted.received,
        counted.sent,
        [
            *(local_candidate_stats(one, id) for one in agent.local_candidates),
            *(remote_candidate_stats(one, id) for one in agent.remote_candidates),
            *pair_stats(agent.pairs, id),
        ],
        None if selected is None else pair_id(selected, id),
        agent.selected_changes,
    )
