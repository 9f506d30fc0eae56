"""Calls through a TURN server that is reached over TCP or TLS, where UDP is blocked."""

import datetime
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.interop.ends import Pair
from tests.interop.loops import LoopThread
from tests.interop.our_end import OurEnd
from tests.interop.turn_server import coturn
from visavis.server.certificates import CertificateFiles, ensure_certificate

MakeEnd = Callable[[], OurEnd]


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CertificateFiles]:
    """Of 127.0.0.1 alone, by an authority that this process trusts: the data plane reads them once."""
    directory = tmp_path_factory.mktemp("certificates")
    made = ensure_certificate(directory, ["127.0.0.1"], datetime.datetime.now(datetime.UTC))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SSL_CERT_FILE", str(made.authority))
        yield made


@pytest.fixture
def server(certificate: CertificateFiles, tmp_path: Path) -> Iterator[dict[str, Any]]:
    """coturn, on UDP, TCP and TLS."""
    with coturn(tmp_path, certificate) as running:
        yield running


@pytest.fixture
def make_end() -> Iterator[MakeEnd]:
    """Ends of ours, on one loop."""
    with LoopThread() as loop:
        ends: list[OurEnd] = []

        def made() -> OurEnd:
            ends.append(OurEnd(loop))
            return ends[-1]

        yield made
        for end in ends:
            end.close()


def over(server: dict[str, Any], protocol: str, host: str = "127.0.0.1") -> dict[str, Any]:
    port = server["urls"].rsplit(":", 1)[1]
    url = f"turns:{host}:{port}" if protocol == "tls" else f"turn:{host}:{port}?transport={protocol}"
    return {**server, "urls": url}


@pytest.mark.parametrize("protocol", ["udp", "tcp", "tls"])
def test_a_call_through_a_turn_server_over(protocol: str, server: dict[str, Any], make_end: MakeEnd) -> None:
    ours, theirs = make_end(), make_end()
    ours.open({"iceServers": [over(server, protocol)], "iceTransportPolicy": "relay"})
    theirs.open({})
    pair = Pair(ours, theirs)
    for end in pair.ends:
        end.send("audio", "video")
    pair.connect()
    pair.meet()
    assert (ours.route().local, ours.route().relay_protocol) == ("relay", protocol)


def test_a_server_whose_certificate_is_for_another_name_brings_no_candidate(
    server: dict[str, Any], make_end: MakeEnd
) -> None:
    end = make_end()
    end.open({"iceServers": [over(server, "tls", "localhost")], "iceTransportPolicy": "relay"})
    end.send("audio")
    end.describe()
    assert end.next_candidate() is None
