from visavis.server.media import candidates


def test_candidates_are_host_candidates_with_a_priority_of_their_own_best_first() -> None:
    found = candidates([("192.0.2.7", 8080), ("2001:db8::7", 8080)], [])
    assert [str(candidate) for candidate in found] == [
        "1 1 udp 2130706431 192.0.2.7 8080 typ host",
        "2 1 udp 2130706175 2001:db8::7 8080 typ host",
    ]


def test_external_addresses_come_first_on_the_port_that_is_bound() -> None:
    found = candidates([("10.0.0.7", 9000)], ["203.0.113.7"])
    assert [(candidate.address, candidate.port) for candidate in found] == [
        ("203.0.113.7", 9000),
        ("10.0.0.7", 9000),
    ]
    assert found[0].priority > found[1].priority


def test_an_external_address_that_is_the_machine_s_own_is_announced_once() -> None:
    assert len(candidates([("192.0.2.7", 9000)], ["192.0.2.7"])) == 1
