"""What an operator may decide: the options of the server, and where each value came from."""

from visavis.config.model import LogFormat, LogLevel, ServerConfig
from visavis.config.options import OPTIONS, Option
from visavis.config.sources import Origin, Resolved, load

__all__ = ["OPTIONS", "LogFormat", "LogLevel", "Option", "Origin", "Resolved", "ServerConfig", "load"]
