"""What a message is, by its payload protocol identifier (RFC 8831 section 8)."""

from enum import IntEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing_extensions import Buffer


class Ppid(IntEnum):
    """IANA's numbers. Empty messages are sent as one byte, since SCTP has none (section 6.6)."""

    DCEP = 50
    TEXT = 51
    BINARY = 53
    TEXT_EMPTY = 56
    BINARY_EMPTY = 57


def encode(data: "str | Buffer") -> "tuple[int, Buffer, int]":
    """A message as it is sent: (PPID, bytes, how many of them are the program's).

    Raises:
        TypeError: `data` is neither text nor bytes; BufferError, its memory is not in one piece.
    """
    if isinstance(data, str):
        try:
            text = data.encode()
        except UnicodeEncodeError:
            # What is no Unicode becomes U+FFFD, as a USVString of Web IDL.
            text = "".join("\ufffd" if "\ud800" <= one <= "\udfff" else one for one in data).encode()
        return (Ppid.TEXT, text, len(text)) if text else (Ppid.TEXT_EMPTY, b"\0", 0)
    size = len(data) if isinstance(data, bytes) else memoryview(data).nbytes
    return (Ppid.BINARY, data, size) if size else (Ppid.BINARY_EMPTY, b"\0", 0)


def decode_untrusted(ppid: int, data: bytes) -> str | bytes | None:
    """The message; None for one that is none. Text that is no UTF-8 is mended as a browser does."""
    match ppid:
        case Ppid.TEXT:
            return data.decode("utf-8", "replace")
        case Ppid.BINARY:
            return data
        case Ppid.TEXT_EMPTY:
            return ""
        case Ppid.BINARY_EMPTY:
            return b""
        case _:
            return None
