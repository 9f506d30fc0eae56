"""What a page says and does when the network takes its media away."""

from playwright.sync_api import BrowserContext

from tests.interop.relay import Relay
from tests.interop.serving import ServerProcess
from tests.interop.tabs import ChromiumTab

MEND_MS = 90_000
"""Chromium notices a dead path after some seconds, and the page's restarts come ever more slowly."""

FRAGMENTS = r"""() => Object.values(window.visavis.connections())
  .map((pc) => /^a=ice-ufrag:(.*)$/m.exec(pc.remoteDescription.sdp)[1])"""

RESTARTED = f"(before) => ({FRAGMENTS})().every((fragment) => !before.includes(fragment))"
"""Whether the server has given every connection new ICE credentials."""

LINK = """([direction, state]) => window.visavis.call()[direction] === state"""


def test_where_no_media_come_through_the_page_says_so_and_what_to_do(
    context: BrowserContext, server: ServerProcess
) -> None:
    with Relay(("127.0.0.1", server.port), passes=False) as relay:
        relay.carries(context)
        tab = ChromiumTab.joining(context.new_page(), server.url, "dark", "Ada")
        tab.page.set_default_timeout(MEND_MS)
        told = tab.is_told("media-blocked")
        assert "blocks UDP" in told
        assert tab.call()["you"], "the room is kept"
        relay.passes = True
        tab.is_told_no_longer("media-blocked")
        tab.page.wait_for_function(LINK, arg=["sending", "connected"])


def test_a_network_that_drops_everything_for_a_while_is_survived(
    context: BrowserContext, server: ServerProcess
) -> None:
    with Relay(("127.0.0.1", server.port)) as relay:
        relay.carries(context)
        ada, bob = (ChromiumTab.joining(context.new_page(), server.url, "train", n) for n in ("Ada", "Bob"))
        ada.sees("Bob")
        bob.sees("Ada")
        identities = [tab.call()["you"] for tab in (ada, bob)]
        for tab in (ada, bob):
            tab.page.set_default_timeout(MEND_MS)
        before = [tab.page.evaluate(FRAGMENTS) for tab in (ada, bob)]
        relay.passes = False
        # Signaling lives, so that each page can restart its connections before the network is back.
        for tab, fragments in zip((ada, bob), before, strict=True):
            tab.page.wait_for_function(RESTARTED, arg=fragments)
        relay.passes = True
        ada.sees("Bob")
        bob.sees("Ada")
        ada.hears("Bob")
        assert [tab.call()["you"] for tab in (ada, bob)] == identities
