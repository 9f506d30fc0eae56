"""An end in Python as a process: does what a `ProcessEnd` asks by its standard input. It needs the standard
library alone, so that the end may live in an environment without ours."""

import dataclasses
import json
import sys
from typing import Any

from tests.interop.channels import Channels, packed, unpacked
from tests.interop.ends import End


def serve(end: End) -> None:
    """Until standard input ends; then the end is closed."""
    try:
        for line in sys.stdin:
            command = json.loads(line)
            try:
                reply = {"result": _done(end, command["do"], command["with"])}
            except Exception as error:  # what failed is for the test to say
                reply = {"error": f"{type(error).__name__}: {error}"}
            print(json.dumps(reply), flush=True)
    finally:
        end.close()


def _done(end: End, what: str, with_: Any) -> Any:
    match what:
        case "open":
            end.open(with_)
        case "send":
            end.send(with_)
        case "stop_sending":
            end.stop_sending(with_)
        case "restart_ice":
            end.restart_ice()
        case "describe":
            return end.describe()
        case "accept":
            end.accept(with_)
        case "next_candidate":
            return end.next_candidate()
        case "add_candidate":
            end.add_candidate(with_)
        case "connected":
            end.connected()
        case "route":
            return dataclasses.asdict(end.route())
        case "sees":
            end.sees(with_)
        case "hears":
            end.hears()
        case _:
            return _done_in_channels(end.channels, what, with_)
    return None


def _done_in_channels(channels: Channels, what: str, with_: Any) -> Any:
    labels: list[str] = with_["labels"]
    match what:
        case "create_channels":
            channels.create(with_["init"], *labels)
        case "opened":
            return channels.opened(labels[0])
        case "say":
            channels.say(unpacked(with_["message"]), *labels)
        case "told":
            return [packed(message) for message in channels.told(*labels)]
        case "say_pattern":
            channels.say_pattern(labels[0], with_["count"], with_["size"])
        case "told_digest":
            return channels.told_digest(labels[0], with_["count"])
        case "close_channel":
            channels.close(labels[0])
        case "closed":
            channels.closed(labels[0])
        case _:
            raise ValueError(f"no such command: {what}")
    return None
