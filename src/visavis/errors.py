"""One tree of errors; each says who is to blame."""


class VisavisError(Exception):
    """Root of what visavis raises by itself."""


class ConfigError(VisavisError):
    """The operator's configuration cannot be used.

    The message names the option, where it came from, and what fits.
    """


class StartError(VisavisError):
    """The machine refuses what the server needs, a port for instance; the message says what to do."""


class LocalProtocolError(VisavisError):
    """The caller asked for something that the protocol or the present state forbids."""


class RemoteProtocolError(VisavisError):
    """The peer sent something that its protocol forbids; the message may be shown to it."""


class SdpError(RemoteProtocolError):
    """A session description is malformed or impossible.

    `line` is the 1-based line, 0 when it is about the whole.
    """

    def __init__(self, message: str, line: int = 0) -> None:
        super().__init__(f"line {line}: {message}" if line else message)
        self.line = line


class InvalidDescriptionError(SdpError):
    """A session description is well formed and cannot be right: `InvalidAccessError` at the W3C surface."""


class DescriptionError(RemoteProtocolError):
    """A session description cannot be applied: `OperationError` at the W3C surface."""


class CandidateError(RemoteProtocolError):
    """An ICE candidate of the peer cannot be used: `OperationError` at the W3C surface."""


class StateError(LocalProtocolError):
    """The signaling state has no place for this: `InvalidStateError` at the W3C surface."""


class ModifiedDescriptionError(LocalProtocolError):
    """A local description is not the one last created: `InvalidModificationError` at the W3C surface."""


class InvalidPreferencesError(LocalProtocolError):
    """Codec preferences that the endpoint cannot follow: `InvalidModificationError` at the W3C surface."""


class IncompatibleError(VisavisError):
    """Both sides are right, and have nothing in common: no codec, no DTLS role."""
