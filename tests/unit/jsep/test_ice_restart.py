import pytest

from tests.unit.sdp.recordings import recorded
from visavis.jsep import RemoteTransport, read_publisher
from visavis.sdp import parse


def described(text: str) -> RemoteTransport:
    return read_publisher(parse(text)).remote()


@pytest.mark.parametrize("browser", ["chromium-156", "firefox-153"])
def test_a_browsers_restart_is_told_from_its_other_offers(browser: str) -> None:
    renegotiated = recorded(f"{browser}-renegotiated-add-recvonly-stop-audio-offer")
    if browser == "firefox-153":
        renegotiated = recorded("firefox-153-renegotiated-add-recvonly-offer")
    before, after = described(renegotiated), described(recorded(f"{browser}-ice-restart-offer"))
    assert after.restarts_ice(before)
    assert not before.restarts_ice(before)


def test_a_renegotiation_under_the_same_credentials_is_no_restart() -> None:
    first = described(recorded("chromium-156-av-data-offer"))
    second = described(recorded("chromium-156-renegotiated-add-recvonly-stop-audio-offer"))
    assert not second.restarts_ice(first)


def test_a_new_ufrag_alone_is_taken_at_its_word() -> None:
    """RFC 8839 section 4.4.3.1.1 wants both changed; checks under the new one would fail otherwise."""
    text = recorded("chromium-156-av-data-offer")
    changed = text.replace("a=ice-ufrag:9NCb", "a=ice-ufrag:abcd")
    assert described(changed).restarts_ice(described(text))
