"""visavis as the forwarding benchmark sees it: one room on the product's own media plane, without pages.

    POST /publish         an SDP offer; the answer comes back
    POST /subscribe       nothing; {"id", "sdp"} comes back, sdp an offer
    POST /subscribe/{id}  the SDP answer to that offer

It prints one JSON line, {"http": "127.0.0.1:port"}, when it listens.
"""

import asyncio
import json
import signal
from collections.abc import Awaitable, Callable, Sequence

from aiohttp import web

from visavis import sdp
from visavis.clock import LoopClock
from visavis.errors import VisavisError
from visavis.room.media import Peer, Router
from visavis.server.media import MediaPlan, open_media
from visavis.sfu import Source, StreamInfo, TrackInfo, TrackSource

OFFER_TIMEOUT_S = 5.0

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Subscription:
    """Hears what a peer is told, and keeps its first offer for the HTTP client that waits for it."""

    def __init__(self) -> None:
        self.offer: asyncio.Future[tuple[int, str]] = asyncio.get_running_loop().create_future()

    def subscribe_offer(self, offer_id: int, sdp: str, streams: list[StreamInfo]) -> None:
        """There is one published track from the start, so there is one offer."""
        if not self.offer.done():
            self.offer.set_result((offer_id, sdp))

    def streams_changed(self, streams: list[StreamInfo]) -> None:
        """The load sees for itself what it gets."""

    def tracks_changed(self, tracks: Sequence[TrackInfo]) -> None:
        """There is one track, from the start."""

    def transport_failed(self, pc: str, reason: str) -> None:
        """The load notices."""


class Room:
    """One publisher and its subscribers over HTTP."""

    def __init__(self, router: Router) -> None:
        self._router = router
        self._offers: dict[str, tuple[Peer, int]] = {}

    def close(self) -> None:
        """Everybody leaves."""
        self._router.close()

    async def publish(self, request: web.Request) -> web.Response:
        """Answers the publisher's offer, all of whose m-lines are cameras."""
        offer = await request.text()
        peer = self._router.add_peer("publisher", Subscription())
        sections = sdp.parse(offer).media
        peer.set_tracks([TrackSource(section.mid, Source.CAMERA) for section in sections if section.mid])
        return web.Response(text=peer.publish(offer))

    async def subscribe(self, _request: web.Request) -> web.Response:
        """Adds a peer and waits for the router to offer it the track."""
        name = f"subscriber{len(self._offers)}"
        events = Subscription()
        peer = self._router.add_peer(name, events)
        offer_id, offer = await asyncio.wait_for(events.offer, OFFER_TIMEOUT_S)
        self._offers[name] = (peer, offer_id)
        return web.json_response({"id": name, "sdp": offer})

    async def answer(self, request: web.Request) -> web.Response:
        """Completes a subscriber's connection."""
        peer, offer_id = self._offers[request.match_info["id"]]
        peer.subscribe_answer(offer_id, await request.text())
        return web.Response()


@web.middleware
async def errors_as_text(request: web.Request, handler: Handler) -> web.StreamResponse:
    """The product's own errors are answers."""
    try:
        return await handler(request)
    except VisavisError as error:
        return web.Response(status=400, text=str(error))


async def serve() -> None:
    """Runs until it is told to stop."""
    clock = LoopClock(asyncio.get_running_loop())
    media = open_media(MediaPlan([("127.0.0.1", 0)], threads=1, external_ip=[], clock=clock))
    room = Room(media.new_router())
    app = web.Application(middlewares=[errors_as_text])
    app.add_routes(
        [
            web.post("/publish", room.publish),
            web.post("/subscribe", room.subscribe),
            web.post("/subscribe/{id}", room.answer),
        ]
    )
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    host, port = runner.addresses[0][:2]
    print(json.dumps({"http": f"{host}:{port}"}), flush=True)
    stopped = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    await stopped.wait()
    await runner.cleanup()
    room.close()
    media.close()


if __name__ == "__main__":
    asyncio.run(serve())
