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


class IceServerError(LocalProtocolError):
    """The caller's ICE server cannot be used; `name` is the W3C's for this error (webrtc-pc section 4.4.1.6):
    `SyntaxError`, `NotSupportedError` or `InvalidAccessError`."""

    def __init__(self, name: str, message: str) -> None:
        super().__init__(message)
        self.name = name


class IncompatibleError(VisavisError):
    """Both sides are right, and have nothing in common: no codec, no DTLS role."""
