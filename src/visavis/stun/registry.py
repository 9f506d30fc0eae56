"""The numbers of STUN and TURN that Python reads or writes (RFC 8489 section 18, RFC 8656 section 18)."""

from enum import IntEnum
from typing import Final


class Method(IntEnum):
    """Methods (RFC 8489 section 18.2, RFC 8656 section 17)."""

    BINDING = 0x001
    ALLOCATE = 0x003
    REFRESH = 0x004
    CREATE_PERMISSION = 0x008
    CHANNEL_BIND = 0x009


class AttributeType(IntEnum):
    """Attributes (RFC 8489 section 18.3, RFC 8656 section 18)."""

    MAPPED_ADDRESS = 0x0001
    USERNAME = 0x0006
    ERROR_CODE = 0x0009
    CHANNEL_NUMBER = 0x000C
    LIFETIME = 0x000D
    XOR_PEER_ADDRESS = 0x0012
    REALM = 0x0014
    NONCE = 0x0015
    XOR_RELAYED_ADDRESS = 0x0016
    REQUESTED_ADDRESS_FAMILY = 0x0017
    REQUESTED_TRANSPORT = 0x0019
    XOR_MAPPED_ADDRESS = 0x0020
    SOFTWARE = 0x8022
    ALTERNATE_SERVER = 0x8023
    ALTERNATE_DOMAIN = 0x8003


class ErrorCode(IntEnum):
    """Error codes that a client decides by (RFC 8489 section 14.8, RFC 8656 section 19)."""

    TRY_ALTERNATE = 300
    BAD_REQUEST = 400
    UNAUTHENTICATED = 401
    FORBIDDEN = 403
    ALLOCATION_MISMATCH = 437
    STALE_NONCE = 438
    ADDRESS_FAMILY_NOT_SUPPORTED = 440
    WRONG_CREDENTIALS = 441
    UNSUPPORTED_TRANSPORT = 442
    ALLOCATION_QUOTA_REACHED = 486
    SERVER_ERROR = 500
    INSUFFICIENT_CAPACITY = 508


TIMED_OUT: Final = -1
"""The code of a `StunResult` which says that nobody answered."""

NOT_SENT: Final = -2
"""The code of a `StunResult` which says that the request could not be sent."""

UDP_PROTOCOL: Final = 17
"""UDP in REQUESTED-TRANSPORT (RFC 8656 section 18.7)."""

FIRST_CHANNEL: Final = 0x4000
LAST_CHANNEL: Final = 0x4FFF
"""Channel numbers (RFC 8656 section 12)."""
