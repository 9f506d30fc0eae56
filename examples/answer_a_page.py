"""Is called by a page: run this, and open http://localhost:8081.

The page shows a test card and plays a tone; what its camera and microphone give is printed here.
"""

from pathlib import Path

from aiohttp import web

from visavis import RTCPeerConnection, RTCPeerConnectionIceEvent, RTCTrackEvent, mediaDevices


async def watch(event: RTCTrackEvent) -> None:
    """Prints what the browser sends."""
    async for frame in event.track:
        print(event.track.kind, frame.timestamp_s, flush=True)


async def call(request: web.Request) -> web.WebSocketResponse:
    """Takes the page's offer and both ends' candidates over a WebSocket, until the page is closed."""
    await (socket := web.WebSocketResponse()).prepare(request)
    async with RTCPeerConnection() as pc:
        pc.ontrack = watch

        @pc.on("icecandidate")
        async def found(event: RTCPeerConnectionIceEvent) -> None:
            await socket.send_json({"candidate": event.candidate and event.candidate.toJSON()})

        stream = await mediaDevices.getUserMedia({"audio": True, "video": True})
        for track in stream.getTracks():
            pc.addTrack(track, stream)
        async for message in socket:
            if "description" in (said := message.json()):
                await pc.setRemoteDescription(said["description"])
                answer = await pc.createAnswer()
                await pc.setLocalDescription(answer)
                await socket.send_json({"description": {"type": "answer", "sdp": answer.sdp}})
            else:
                await pc.addIceCandidate(said["candidate"])
    for track in stream.getTracks():
        track.stop()
    return socket


async def page(request: web.Request) -> web.FileResponse:
    """The page, whose JavaScript is that of every introduction to WebRTC."""
    return web.FileResponse(Path(__file__).with_suffix(".html"))


if __name__ == "__main__":
    application = web.Application()
    application.add_routes([web.get("/", page), web.get("/call", call)])
    web.run_app(application, host="localhost", port=8081)
