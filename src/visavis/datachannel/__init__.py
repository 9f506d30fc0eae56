"""Data channels over an SCTP association (RFC 8831, RFC 8832), sans-IO."""

from visavis.datachannel.channel_table import (
    ChannelTable,
    Closed,
    Closing,
    Event,
    Opened,
    Outlet,
    Received,
)
from visavis.datachannel.dcep import Ack, Options, Ppid, parse_untrusted, utf8, write_ack, write_open

__all__ = [
    "Ack",
    "ChannelTable",
    "Closed",
    "Closing",
    "Event",
    "Opened",
    "Options",
    "Outlet",
    "Ppid",
    "Received",
    "parse_untrusted",
    "utf8",
    "write_ack",
    "write_open",
]
