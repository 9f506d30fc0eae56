"""The server: composes rooms, signaling, the page and media, and takes them down in order."""

import asyncio
import datetime
import errno
import logging
import socket
import ssl
from enum import StrEnum
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

from aiohttp import web

from visavis.clock import Clock, LoopClock
from visavis.config import ServerConfig
from visavis.errors import StartError
from visavis.room import Rooms
from visavis.server import addresses, certificates, sockets
from visavis.server.media import Media, MediaPlan, OpenMedia, open_media
from visavis.server.version import version
from visavis.signaling import SignalingEndpoint, Visitors
from visavis.web import KnownHosts, MalformedRequests, SiteContent, create_app

_log = logging.getLogger(__name__)

RETRY_AFTER_S = 1.0
HTTP_CLOSE_S = 0.5
IDLE_CONNECTION_S = 15.0
"""A connection without a whole request for so long is closed, be it that nothing comes or ever so slowly."""
_BIND_ATTEMPTS = 8


class Phase(StrEnum):
    """The life of a server; `/healthz` says it."""

    STARTING = "starting"
    OK = "ok"
    DRAINING = "draining"
    CLOSED = "closed"
    FAILING = "failing"
    """A thread of the data plane was ended by a defect: start the server anew."""


class Server:
    """One server, from `start` to `close`; also an asynchronous context manager.

        async with Server(ServerConfig(port=0)) as server:
            print(server.url)

    Lifetimes: `close` stops listening, tells and closes every WebSocket, ends the rooms with their routers,
    and then the media plane; it takes five seconds at most.
    """

    def __init__(
        self, config: ServerConfig, clock: Clock | None = None, media: OpenMedia = open_media
    ) -> None:
        self.config = config
        self.phase = Phase.STARTING
        self.certificate_files: certificates.CertificateFiles | None = None
        self._open_media = media
        self._clock = clock
        self._started_s = 0.0
        self._tcp: list[socket.socket] = []
        self._page_hosts: list[str] = []
        self._media: Media | None = None
        self._rooms: Rooms | None = None
        self._visitors: Visitors | None = None
        self._signaling: SignalingEndpoint | None = None
        self._runner: web.AppRunner | None = None
        self._malformed = MalformedRequests()
        self._hosts = KnownHosts()

    @property
    def port(self) -> int:
        """The TCP port, the real one when 0 was asked for."""
        return int(self._tcp[0].getsockname()[1])

    @property
    def urls(self) -> list[str]:
        """Where the page can be opened, the best first."""
        scheme = "https" if self.certificate_files else "http"
        usual = {"https": 443, "http": 80}[scheme]
        suffix = "" if self.port == usual else f":{self.port}"
        return [f"{scheme}://{addresses.in_url(host)}{suffix}" for host in self._page_hosts]

    @property
    def url(self) -> str:
        """Where to open the page."""
        return self.urls[0]

    @property
    def listening(self) -> list[tuple[str, int]]:
        """TCP addresses."""
        return [each.getsockname()[:2] for each in self._tcp]

    @property
    def media_listening(self) -> list[tuple[str, int]]:
        """UDP addresses."""
        return list(self._media.local_addresses) if self._media else []

    async def start(self) -> None:
        """Opens the ports and serves.

        Raises:
            ConfigError: an option cannot be used on this machine.
            StartError: a port cannot be opened.
        """
        clock = self._clock or LoopClock(asyncio.get_running_loop())
        self._clock, self._started_s = clock, clock.monotonic()
        listening = addresses.resolve(self.config.host)
        self._page_hosts = addresses.page_hosts(self.config.host, listening)
        context = self._tls(listening)
        self._tcp, media = self._open_ports(listening, clock)
        self._media = media
        self._rooms = Rooms(
            clock,
            media.new_router,
            max_rooms=self.config.max_rooms,
            max_participants=self.config.max_participants,
        )
        self._visitors = Visitors(self.config.max_per_address, clock)
        self._signaling = SignalingEndpoint(
            self._rooms, clock, self._visitors, allowed_origins=self.config.allow_origin
        )
        self._hosts = KnownHosts(self._names())
        content = SiteContent(self._signaling.handle, self.health, self._authority_pem(), hosts=self._hosts)
        self._runner = web.AppRunner(
            create_app(content),
            access_log=None,
            logger=self._malformed.logger(),
            keepalive_timeout=IDLE_CONNECTION_S,
            shutdown_timeout=HTTP_CLOSE_S,
        )
        await self._runner.setup()
        for each in self._tcp:
            await web.SockSite(self._runner, each, ssl_context=context).start()
        self.phase = Phase.OK
        _log.info("listening on %s", self.url, extra={"event": "started"})

    async def close(self) -> None:
        """Drains: participants are told, sockets closed, the media plane ended. Idempotent."""
        if self.phase in (Phase.DRAINING, Phase.CLOSED):
            return
        level = logging.INFO if self.phase is Phase.OK else logging.DEBUG
        self.phase = Phase.DRAINING
        _log.log(level, "draining", extra={"event": "draining"})
        if self._runner is not None:
            for site in tuple(self._runner.sites):
                await site.stop()
        if self._signaling is not None:
            await self._signaling.shutdown(RETRY_AFTER_S)
        if self._rooms is not None:
            self._rooms.close()
        if self._media is not None:
            self._media.close()
        if self._runner is not None:
            await self._runner.cleanup()
        for each in self._tcp:
            each.close()
        self.phase = Phase.CLOSED
        _log.log(level, "closed", extra={"event": "closed"})

    async def __aenter__(self) -> Self:
        try:
            await self.start()
        except BaseException:
            await self.close()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.close()

    def health(self) -> dict[str, object]:
        """What `/healthz` answers."""
        rooms, clock = self._rooms, self._clock
        return {
            "status": Phase.FAILING if self._media and not self._media.is_whole else self.phase,
            "version": version(),
            "rooms": len(rooms.rooms) if rooms else 0,
            "participants": rooms.participant_count if rooms else 0,
            "sockets": self._signaling.socket_count if self._signaling else 0,
            "transports": self._media.transport_count if self._media else 0,
            "uptime_s": round(clock.monotonic() - self._started_s, 3) if clock else 0.0,
            "malformed_requests": self._malformed.count,
            "misdirected_requests": self._hosts.refused,
            "refused_visits": self._visitors.refused if self._visitors else 0,
            "packets": dict(self._media.counters()) if self._media else {},
        }

    def _tls(self, listening: list[str]) -> ssl.SSLContext | None:
        config = self.config
        if config.cert is not None and config.key is not None:
            self.certificate_files = certificates.CertificateFiles(config.cert, config.key)
        elif addresses.is_loopback(listening):
            return None
        else:
            hosts = dict.fromkeys([*self._page_hosts, *config.external_ip, "localhost", "127.0.0.1", "::1"])
            now = datetime.datetime.now(datetime.UTC)
            self.certificate_files = certificates.ensure_certificate(config.data_dir, list(hosts), now)
        return certificates.server_context(self.certificate_files)

    def _names(self) -> list[str]:
        """By which names requests may call this server, addresses and localhost aside."""
        origins = self.config.allow_origin
        return [
            *self._page_hosts,
            *addresses.machine_names(),
            *(certificates.names(self.certificate_files) if self.certificate_files else ()),
            *(urlsplit(origin).hostname or origin for origin in origins),
        ]

    def _authority_pem(self) -> bytes | None:
        authority = self.certificate_files.authority if self.certificate_files else None
        return authority.read_bytes() if authority else None

    def _open_ports(self, listening: list[str], clock: Clock) -> tuple[list[socket.socket], Media]:
        """Opens TCP and UDP; where the system picks a number, another is tried when UDP does not have it
        free.
        """
        config = self.config
        picked = 0 in (config.port if config.udp_port is None else 1, config.udp_port)
        media_hosts = addresses.media_addresses(listening)
        for attempt in range(_BIND_ATTEMPTS):
            try:
                tcp = sockets.bind_tcp(listening, config.port)
            except OSError as error:
                if error.errno == errno.EADDRINUSE and config.port == 0 and attempt + 1 < _BIND_ATTEMPTS:
                    continue
                raise sockets.explain(error, "port", config.port, "TCP") from None
            udp_port = tcp[0].getsockname()[1] if config.udp_port is None else config.udp_port
            try:
                udp_port = udp_port or sockets.pick_udp_port(media_hosts)
                bound = [(host, udp_port) for host in media_hosts]
                plan = MediaPlan(bound, config.threads, config.external_ip, clock)
                return tcp, self._open_media(plan)
            except BaseException as error:
                for each in tcp:
                    each.close()
                if not isinstance(error, OSError):
                    raise
                if error.errno == errno.EADDRINUSE and picked and attempt + 1 < _BIND_ATTEMPTS:
                    continue
                raise sockets.explain(error, "udp_port", udp_port, "UDP") from None
        raise StartError("no free port was found; name one with --port")
