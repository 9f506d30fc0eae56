import json
from pathlib import Path
from typing import Any

from tests.unit.rtc.pairs import negotiate, pair, run, trickle
from visavis.rtc import InternalsLog


def members(dump: dict[str, Any]) -> list[dict[str, Any]]:
    return list(dump["PeerConnections"].values())


def test_a_dump_tells_what_was_done_and_the_figures_over_time(tmp_path: Path) -> None:
    async def scenario() -> None:
        one, other = pair()
        log = InternalsLog(interval_s=3600)
        log.watch(one)
        trickle(one, other)
        channel = one.createDataChannel("chat")
        await negotiate(one, other)
        if channel.readyState != "open":
            await channel.next_event("open", timeout=5)
        await log.sample()
        channel.send("hello")
        await log.sample()
        one.close()
        other.close()
        log.save(tmp_path / "dump.json")

    run(scenario())
    [connection] = members(json.loads((tmp_path / "dump.json").read_text()))
    updates = [(update["type"], update["value"]) for update in connection["updateLog"]]
    types = [type for type, _ in updates]
    assert [type for type in types if "Description" in type] == [
        "setLocalDescription",
        "setRemoteDescription",
    ]
    assert ("signalingstatechange", "have-local-offer") in updates
    assert ("connectionstatechange", "connected") in updates
    offer = next(value for type, value in updates if type == "setLocalDescription")
    assert offer.startswith("type: offer, sdp: v=0\r\n")
    assert any(
        type == "icecandidate" and value.startswith("sdpMid: 0, sdpMLineIndex: 0, candidate: candidate:")
        for type, value in updates
    )
    [sent] = [series for name, series in connection["stats"].items() if name.endswith("-messagesSent")]
    assert sent["statsType"] == "data-channel"
    assert json.loads(sent["values"])[-2:] == [0, 1]
    assert sent["startTime"] <= sent["endTime"]


def test_passwords_are_not_in_a_dump() -> None:
    async def scenario() -> dict[str, Any]:
        one, _ = pair()
        server = {"urls": "turn:127.0.0.1:9", "username": "somebody", "credential": "secret word"}
        one.setConfiguration({"iceServers": [server]})
        log = InternalsLog()
        log.watch(one)
        one.close()
        return log.dump()

    text = json.dumps(run(scenario()))
    assert "turn:127.0.0.1:9" in text
    assert "secret word" not in text


def test_what_is_kept_is_bounded() -> None:
    async def scenario() -> dict[str, Any]:
        one, _ = pair()
        log = InternalsLog(interval_s=3600, most_samples=3)
        log.watch(one)
        for _ in range(5):
            await log.sample()
        one.close()
        return log.dump()

    [connection] = members(run(scenario()))
    assert all(len(json.loads(series["values"])) <= 3 for series in connection["stats"].values())
