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


class IceServerError(LocalProtocolError):
    """The caller's ICE server cannot be used; `name` is the W3C's for this error (webrtc-pc section 4.4.1.6):
    `SyntaxError`, `NotSupportedError` or `InvalidAccessError`."""

    def __init__(self, name: str, message: str) -> None:
        super().__init__(message)
        self.name = name


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


class DOMException(VisavisError):
    """An error of a W3C interface (Web IDL section 2.8.1); `name` says which, as `InvalidStateError` does.

    Where the standards have JavaScript's TypeError it is Python's; `RangeError` is below.
    """

    def __init__(self, message: str = "", name: str = "Error") -> None:
        super().__init__(message)
        self.message = message
        self.name = name

    @property
    def code(self) -> int:
        """The number that the name had before names (Web IDL section 2.8.1), 0 for newer ones."""
        return _LEGACY_CODES.get(self.name, 0)

    def __str__(self) -> str:
        """The name and the message."""
        return f"{self.name}: {self.message}" if self.message else self.name


class RangeError(VisavisError, ValueError):
    """A number is outside of what a W3C interface allows: JavaScript's RangeError."""


_LEGACY_CODES = {
    "IndexSizeError": 1,
    "HierarchyRequestError": 3,
    "WrongDocumentError": 4,
    "InvalidCharacterError": 5,
    "NoModificationAllowedError": 7,
    "NotFoundError": 8,
    "NotSupportedError": 9,
    "InUseAttributeError": 10,
    "InvalidStateError": 11,
    "SyntaxError": 12,
    "InvalidModificationError": 13,
    "NamespaceError": 14,
    "InvalidAccessError": 15,
    "TypeMismatchError": 17,
    "SecurityError": 18,
    "NetworkError": 19,
    "AbortError": 20,
    "URLMismatchError": 21,
    "QuotaExceededError": 22,
    "TimeoutError": 23,
    "InvalidNodeTypeError": 24,
    "DataCloneError": 25,
}


class IncompatibleError(VisavisError):
    """Both sides are right, and have nothing in common: no codec, no DTLS role."""
