import pytest

from tests.unit.jsep.transports import LOCAL, offered
from tests.unit.sdp.recordings import recorded
from visavis.jsep import is_ice_restart, offer_subscriber
from visavis.sdp import parse


@pytest.mark.parametrize("browser", ["chromium-156", "firefox-153"])
def test_a_browsers_restart_is_told_from_its_other_offers(browser: str) -> None:
    renegotiated = recorded(f"{browser}-renegotiated-add-recvonly-stop-audio-offer")
    if browser == "firefox-153":
        renegotiated = recorded("firefox-153-renegotiated-add-recvonly-offer")
    before, after = parse(renegotiated), parse(recorded(f"{browser}-ice-restart-offer"))
    assert is_ice_restart(before, after)
    assert not is_ice_restart(before, before)


def test_a_renegotiation_under_the_same_credentials_is_no_restart() -> None:
    first = parse(recorded("chromium-156-av-data-offer"))
    second = parse(recorded("chromium-156-renegotiated-add-recvonly-stop-audio-offer"))
    assert not is_ice_restart(first, second)


def test_a_new_ufrag_alone_is_no_restart() -> None:
    """RFC 8839 section 4.4.3.1.1: both change."""
    text = recorded("chromium-156-av-data-offer")
    assert not is_ice_restart(parse(text), parse(text.replace("a=ice-ufrag:9NCb", "a=ice-ufrag:abcd")))


def test_credentials_of_the_session_part_count() -> None:
    offer = offer_subscriber([offered("0")], LOCAL, session_id=1, session_version=1)
    other = parse(str(offer).replace(LOCAL.ufrag, "next").replace(LOCAL.password, "z" * 22))
    assert is_ice_restart(offer, other)


def test_a_description_without_credentials_restarts_nothing() -> None:
    offer = parse(recorded("chromium-156-av-data-offer"))
    bare = parse("v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\n")
    assert not is_ice_restart(offer, bare)
    assert not is_ice_restart(bare, offer)
