"""Calls a browser: run this, open http://localhost:8083, and take the call: a test card and a tone."""

from pathlib import Path

from aiohttp import web

from visavis import RTCPeerConnection, RTCPeerConnectionIceEvent, mediaDevices


async def call(request: web.Request) -> web.WebSocketResponse:
    """Calls the page at the other end of a WebSocket; its end hangs up."""
    await (socket := web.WebSocketResponse()).prepare(request)
    stream = await mediaDevices.getUserMedia({"audio": True, "video": True})
    async with RTCPeerConnection() as pc:

        @pc.on("icecandidate")
        async def found(event: RTCPeerConnectionIceEvent) -> None:
            await socket.send_json({"candidate": event.candidate and event.candidate.toJSON()})

        for track in stream.getTracks():
            pc.addTrack(track, stream)
        offer = await pc.createOffer()
        await socket.send_json({"description": {"type": "offer", "sdp": offer.sdp}})
        await pc.setLocalDescription(offer)
        async for message in socket:
            if "description" in (said := message.json()):
                await pc.setRemoteDescription(said["description"])
            else:
                await pc.addIceCandidate(said["candidate"])
    return socket


async def page(request: web.Request) -> web.FileResponse:
    """The page, which rings."""
    return web.FileResponse(Path(__file__).with_suffix(".html"))


if __name__ == "__main__":
    application = web.Application()
    application.add_routes([web.get("/", page), web.get("/call", call)])
    web.run_app(application, host="localhost", port=8083)
