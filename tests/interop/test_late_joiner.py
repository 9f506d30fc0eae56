"""How long somebody who comes into a running call waits for the pictures of the others, and for what."""

import statistics
from collections.abc import Callable

import pytest

from tests.interop.pages import OpenPage
from tests.interop.serving import ServerProcess
from tests.interop.tabs import Tab
from tests.interop.timeline import STEPS, Timeline

OTHERS = ("Ada", "Bob")
JOINS = 5


@pytest.mark.parametrize("browser", ["chromium", "firefox"])
def test_who_comes_late_has_a_picture_of_everybody_step_by_step(
    browser: str,
    open_page: OpenPage,
    server: ServerProcess,
    record_property: Callable[[str, object], None],
) -> None:
    tabs = [Tab.joining(open_page(browser), server.url, "teatime", name) for name in OTHERS]
    tabs[0].sees("Bob")
    tabs[1].sees("Ada")
    timelines: list[Timeline] = []
    for _ in range(JOINS):
        cleo = Tab(open_page(browser))
        link = f"{server.url}/teatime?name=Cleo&join"
        timelines.append(Timeline.of_joining(cleo.page, link, OTHERS))
        cleo.leaves()
        tabs[0].shows_no("Cleo")
    for timeline in timelines:
        said = [timeline.first_ms[event] for _, event in STEPS if not event.startswith("subscribe")]
        assert [*said, timeline.picture_ms(OTHERS)] == sorted([*said, timeline.picture_ms(OTHERS)])
    since_join_ms = [each.picture_ms(OTHERS) - each.first_ms["socket"] for each in timelines]
    since_link_ms = [each.picture_ms(OTHERS) for each in timelines]
    steps_ms = {
        name: round(statistics.median(each.steps_ms(OTHERS)[name] for each in timelines))
        for name in timelines[0].steps_ms(OTHERS)
    }
    record_property("from_joining_to_pictures_p50_ms", round(statistics.median(since_join_ms)))
    record_property("from_the_link_to_pictures_p50_ms", round(statistics.median(since_link_ms)))
    record_property("steps_p50_ms", steps_ms)
    print(
        f"{browser}: from joining to both pictures {statistics.median(since_join_ms):.0f} ms, from the link "
        f"{statistics.median(since_link_ms):.0f} ms (medians of {JOINS}); " + str(steps_ms)
    )
