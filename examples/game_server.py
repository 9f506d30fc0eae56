"""A game whose server decides, 60 times a second: run this, and open http://localhost:8082 in a few tabs."""

import asyncio
import itertools
import json
from collections.abc import AsyncIterator
from pathlib import Path

from aiohttp import web

from visavis import RTCDataChannel, RTCPeerConnection, RTCSessionDescription

TICKS_PER_SECOND = 60
SPEED = 4
players: dict[int, dict[str, int]] = {}
channels: dict[int, RTCDataChannel] = {}
numbers = itertools.count(1)


async def play(pc: RTCPeerConnection, number: int, channel: RTCDataChannel) -> None:
    """Hears what a player wants, until it leaves. What it sends is lost or late as the network has it."""
    players[number], channels[number] = {"x": 320, "y": 240, "dx": 0, "dy": 0, "seen": 0}, channel
    async for message in channel:
        wish = json.loads(message)
        if wish["number"] > players[number]["seen"]:
            players[number] |= {"dx": wish["dx"], "dy": wish["dy"], "seen": wish["number"]}
    del players[number], channels[number]
    pc.close()


async def tick() -> None:
    """Moves everybody, and tells everybody."""
    began = asyncio.get_running_loop().time()
    for number in itertools.count(1):
        for player in players.values():
            player["x"] = min(max(player["x"] + SPEED * player["dx"], 0), 640)
            player["y"] = min(max(player["y"] + SPEED * player["dy"], 0), 480)
        for mine, channel in list(channels.items()):
            if channel.readyState == "open" and channel.bufferedAmount == 0:
                state = {"tick": number, "you": mine, "players": players}
                channel.send(json.dumps(state))
        await asyncio.sleep(began + number / TICKS_PER_SECOND - asyncio.get_running_loop().time())


async def join(request: web.Request) -> web.Response:
    """Takes a page's offer, and answers with all candidates in it."""
    pc, number = RTCPeerConnection(), next(numbers)
    pc.ondatachannel = lambda event: play(pc, number, event.channel)
    await pc.setRemoteDescription(RTCSessionDescription(await request.json()))
    await pc.setLocalDescription()
    while pc.iceGatheringState != "complete":
        await pc.next_event("icegatheringstatechange")
    assert pc.localDescription is not None
    return web.json_response(pc.localDescription.toJSON())


async def page(request: web.Request) -> web.FileResponse:
    """The page: it draws what the server says, and what the network does."""
    return web.FileResponse(Path(__file__).with_name("game_server.html"))


async def ticking(application: web.Application) -> AsyncIterator[None]:
    """Ticks as long as the server runs."""
    task = asyncio.create_task(tick())
    yield
    task.cancel()


def game() -> web.Application:
    """The server."""
    application = web.Application()
    application.add_routes([web.get("/", page), web.post("/join", join)])
    application.cleanup_ctx.append(ticking)
    return application


if __name__ == "__main__":
    web.run_app(game(), host="localhost", port=8082)
