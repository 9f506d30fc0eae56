import pytest

from visavis.media.sending import Encoding
from visavis.rtc.rate_sharing import WANTED_BPS, share

LAYERS = [Encoding(scale_down_by=4), Encoding(scale_down_by=2), Encoding()]


def test_one_picture_gets_all() -> None:
    assert share(10_000_000, [Encoding()]) == [10_000_000]


def test_pictures_of_one_size_get_the_same() -> None:
    assert share(900_000, [Encoding(), Encoding(), Encoding()]) == [300_000] * 3


def test_smaller_layers_get_less_and_together_they_get_all() -> None:
    quarter, half, full = share(1_500_000, LAYERS)
    assert quarter < half < full
    assert full > 1_000_000
    assert quarter + half + full == pytest.approx(1_500_000, abs=3)


def test_a_small_layer_gets_no_more_than_it_can_use() -> None:
    quarter, half, full = share(20_000_000, LAYERS)
    assert (quarter, half) == (int(WANTED_BPS * 4**-1.8), int(WANTED_BPS * 2**-1.8))
    assert quarter + half + full == 20_000_000


def test_what_is_not_active_gets_nothing_and_the_others_more() -> None:
    assert share(1_000_000, [Encoding(active=False), Encoding()]) == [0, 1_000_000]
    assert share(1_000_000, [Encoding(active=False)]) == [0]


def test_what_a_limit_leaves_goes_to_the_others() -> None:
    assert share(1_000_000, [Encoding(max_bps=100_000), Encoding()]) == [100_000, 900_000]
    assert share(1_000_000, [Encoding(max_bps=100_000), Encoding(max_bps=300_000)]) == [100_000, 300_000]


def test_a_network_that_carries_nothing_is_shared_too() -> None:
    assert share(0, LAYERS) == [0, 0, 0]
    assert share(5, []) == []
