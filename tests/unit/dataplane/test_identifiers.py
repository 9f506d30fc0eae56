import pytest

from visavis.dataplane.identifiers import ICE_CHARS, Identifiers, new_password, new_ufrag, shard_of


def test_transports_are_counted_from_being_named_until_they_are_released() -> None:
    identifiers = Identifiers(3)
    transports = [identifiers.new_transport() for _ in range(5)]
    assert len(identifiers) == 5
    identifiers.release(transports[0])
    identifiers.release(transports[0])
    assert len(identifiers) == 4


def test_a_new_transport_goes_to_the_thread_with_the_fewest() -> None:
    identifiers = Identifiers(3)
    transports = [identifiers.new_transport() for _ in range(6)]
    assert [shard_of(transport) for transport in transports] == [0, 1, 2, 0, 1, 2]
    identifiers.release(transports[1])
    assert shard_of(identifiers.new_transport()) == 1


def test_a_track_lives_on_its_transports_thread_and_as_long() -> None:
    identifiers = Identifiers(2)
    identifiers.new_transport()
    transport = identifiers.new_transport()
    track = identifiers.new_track(transport)
    assert shard_of(track) == shard_of(transport) == 1
    assert identifiers.owner(track) == transport
    assert identifiers.release(transport) == {track}
    assert identifiers.owner(track) is None
    assert transport not in identifiers
    assert identifiers.release(transport) == frozenset()


def test_numbers_that_wrap_around_leave_out_what_is_in_use() -> None:
    identifiers = Identifiers(1)
    kept = [identifiers.new_transport() for _ in range(3)]
    assert kept == [1, 2, 3]
    wrapping = Identifiers(1, first_number=(1 << 24) - 1)
    first = wrapping.new_transport()
    track = wrapping.new_track(first)
    assert (int(first), int(track)) == ((1 << 24) - 1, (1 << 24) - 1)
    assert wrapping.new_transport() == 0
    again = Identifiers(1, first_number=(2 << 24) - 1)
    assert again.new_transport() == first, "only 24 bits are the number"


def test_no_identifier_is_given_twice_while_it_is_in_use() -> None:
    identifiers = Identifiers(2)
    transports = {identifiers.new_transport() for _ in range(100)}
    tracks = {identifiers.new_track(transport) for transport in transports}
    assert len(transports) == len(tracks) == 100


@pytest.mark.parametrize("thread", [0, 1, 63])
def test_a_user_name_fragment_begins_with_its_threads_letter(thread: int) -> None:
    identifiers = Identifiers(64)
    transport = [identifiers.new_transport() for _ in range(64)][thread]
    drawn = bytes([0, 1, 63, 64, 65, 127, 255])
    assert new_ufrag(transport, lambda count: drawn[:count]) == ICE_CHARS[thread] + "AB/AB//"


def test_a_password_is_24_characters_of_those_allowed() -> None:
    assert new_password(lambda count: bytes(range(40, 40 + count))) == ICE_CHARS[40:64]
