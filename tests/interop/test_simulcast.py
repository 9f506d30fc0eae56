"""A browser's simulcast, each layer of which arrives on a track of its own."""

from typing import cast

from tests.interop.browser_end import BrowserEnd
from tests.interop.conftest import MakeEnd
from tests.interop.ends import Pair
from tests.interop.our_end import OurEnd

SIZES = {"q": (240, 135), "h": (480, 270), "f": (960, 540)}


def test_every_layer_that_chromium_offers_arrives_by_its_rid(make_end: MakeEnd, ours: OurEnd) -> None:
    theirs = cast(BrowserEnd, make_end("chromium"))
    theirs.open({})
    ours.open({"receive_simulcast": True})
    theirs.send_layers(960, 540, {"q": 4, "h": 2, "f": 1})
    pair = Pair(theirs, ours)
    pair.connect()
    ours.sees_layers(SIZES)

    theirs.choose_layers(["h"])
    ours.loses_layers(["q", "f"], while_comes="h")
    ours.sees_layers({"h": SIZES["h"]})
    theirs.choose_layers(["q", "h", "f"])
    pair.turned.negotiate()
    ours.sees_layers(SIZES)
    theirs.close()


def test_chromium_sends_the_layers_that_it_is_asked_for(make_end: MakeEnd, ours: OurEnd) -> None:
    theirs = cast(BrowserEnd, make_end("chromium"))
    for end in (theirs, ours):
        end.open({})
    ours.ask_for_layers(["f", "h"])
    theirs.accept(ours.describe())
    theirs.send("video")  # on an m-line that has a track before the offer comes Chromium sends one layer
    ours.accept(theirs.describe())
    Pair(ours, theirs).exchange_candidates()
    ours.sees_layers({"f": (320, 240), "h": (640, 480)})
    theirs.close()
