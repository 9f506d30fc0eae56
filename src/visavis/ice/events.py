"""What an agent tells its owner."""

from typing import Protocol

from visavis.ice.candidate import LocalCandidate
from visavis.ice.checklist import CandidatePair
from visavis.ice.gathering import CandidateError
from visavis.ice.states import GatheringState, IceState


class AgentEvents(Protocol):
    """Who owns an agent. Calls come from within the agent's methods: queue what takes time."""

    def candidate(self, candidate: LocalCandidate) -> None:
        """A candidate for the peer."""

    def candidate_error(self, error: CandidateError) -> None:
        """A STUN or TURN server brought none."""

    def gathering_state(self, state: GatheringState) -> None:
        """`complete` is the end of candidates."""

    def selected_pair(self, pair: CandidatePair) -> None:
        """Media goes over another pair from now on; the state follows, if it changes."""

    def ice_state(self, state: IceState) -> None:
        """The transport's state changed."""

    def role(self, controlling: bool) -> None:
        """A conflict of roles was resolved by changing ours."""

    def restart_wanted(self, reason: str) -> None:
        """The network changed such that only a restart helps; what to do is the owner's policy."""
