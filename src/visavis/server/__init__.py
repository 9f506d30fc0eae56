"""The server as a whole: composition, lifecycle, ports, certificates, logs."""

from visavis.server.media import Media, MediaPlan, OpenMedia
from visavis.server.run import run
from visavis.server.server import Server
from visavis.server.version import version

__all__ = ["Media", "MediaPlan", "OpenMedia", "Server", "run", "version"]
