"""Reading a session description (RFC 8866 section 5)."""

from visavis.sdp.model import SessionDescription


def parse(text: str) -> SessionDescription:
    """Reads a description; raises `SdpError` naming the line and what is wrong with it."""
    raise NotImplementedError
