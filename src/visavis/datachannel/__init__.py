"""What data channels say to each other over SCTP (RFC 8831, RFC 8832)."""

from visavis.datachannel.dcep import Acknowledge, Open, parse_untrusted
from visavis.datachannel.payload import Ppid, decode_untrusted, encode

__all__ = ["Acknowledge", "Open", "Ppid", "decode_untrusted", "encode", "parse_untrusted"]
