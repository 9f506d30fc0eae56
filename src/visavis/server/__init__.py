"""The server as a whole: composition, lifecycle, ports, certificates, logs."""

from visavis.server.media import Media, OpenMedia, open_media
from visavis.server.run import run
from visavis.server.server import Server
from visavis.server.version import version

__all__ = ["Media", "OpenMedia", "Server", "open_media", "run", "version"]
