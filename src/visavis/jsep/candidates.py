"""Trickled candidates, and the descriptions that they become part of (RFC 8840, RFC 9429 section 4.1.18)."""

from visavis.jsep.session import RemoteCandidates, Session
from visavis.sdp import Candidate


def add_local_candidate(session: Session, transport: int, candidate: Candidate) -> Session:
    """A candidate of ours was found: it is in `local` and in later offers and answers.

    A transport that is not open (any more) changes nothing.
    """
    raise NotImplementedError


def end_local_candidates(session: Session, transport: int) -> Session:
    """Gathering for a transport is complete: `a=end-of-candidates`."""
    raise NotImplementedError


def add_remote_candidate(
    session: Session, candidate: str, *, mid: str | None, index: int | None, ufrag: str | None
) -> tuple[Session, tuple[RemoteCandidates, ...]]:
    """`addIceCandidate` (W3C webrtc-pc section 4.4.2), the part after its checks of states.

    Args:
        session: with a remote description.
        candidate: `candidate:...`, or empty for the end of candidates.
        mid: `sdpMid`.
        index: `sdpMLineIndex`, used where `mid` is None; without both an end of candidates is all m-lines'.
        ufrag: `usernameFragment`, None for that of the m-line's last description.

    Returns:
        The session with the candidate in its remote description, and what to give to ICE: nothing where the
        transport is not connected yet; `Changes.candidates` of `set_local` has it then.

    Raises:
        CandidateError: no such m-line or generation, or no candidate (`OperationError`).
    """
    raise NotImplementedError
