"""A stranger: sends garbage of every kind (RFC 7983) to a UDP port on loopback, from changing ports.

    python -m benchmarks.flood PORT SECONDS DATAGRAMS_PER_SECOND

It prints how many it sent of each kind, as JSON.
"""

import json
import random
import socket
import sys
import time
from collections import Counter
from collections.abc import Callable

PER_S = 20_000
SOCKETS = 64
POOL = 4096
BURST_S = 0.01


def stun(dice: random.Random) -> bytes:
    """A binding request (RFC 8489 section 5) for nobody, with an integrity that fits nothing."""
    ufrag = "".join(dice.choices("ABCDEFGHabcdefgh0123", k=8)).encode()
    name = ufrag + b":peer" + b"\0" * 3
    attributes = b"\0\x06\0\x0d" + name + b"\0\x08\0\x14" + dice.randbytes(20)
    return (
        b"\0\x01" + len(attributes).to_bytes(2, "big") + b"\x21\x12\xa4\x42" + dice.randbytes(12) + attributes
    )


def broken_stun(dice: random.Random) -> bytes:
    """The beginning of a STUN message and then noise."""
    return b"\0\x01" + dice.randbytes(2) + b"\x21\x12\xa4\x42" + dice.randbytes(dice.randrange(300))


def dtls(dice: random.Random) -> bytes:
    """A handshake record (RFC 9147 section 4) of noise."""
    noise = dice.randbytes(dice.randrange(1, 600))
    return b"\x16\xfe\xfd" + bytes(8) + len(noise).to_bytes(2, "big") + noise


def rtp(dice: random.Random) -> bytes:
    """An RTP header (RFC 3550 section 5.1) and noise."""
    return b"\x80" + dice.randbytes(11) + dice.randbytes(dice.randrange(1100))


def rtcp(dice: random.Random) -> bytes:
    """An RTCP header (RFC 3550 section 6.4) and noise."""
    return b"\x80\xc8" + dice.randbytes(dice.randrange(2, 200))


def noise(dice: random.Random) -> bytes:
    """Anything."""
    return dice.randbytes(dice.randrange(1400))


KINDS: tuple[Callable[[random.Random], bytes], ...] = (stun, broken_stun, dtls, rtp, rtcp, noise)


def main() -> int:
    """Sends in bursts every 10 ms; what the kernel does not take is lost."""
    port, duration_s, per_s = (int(argument) for argument in sys.argv[1:])
    dice = random.Random(7983)
    pool = [(kind.__name__, kind(dice)) for kind in dice.choices(KINDS, k=POOL)]
    sockets = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(SOCKETS)]
    for each in sockets:
        each.setblocking(False)
    sent: Counter[str] = Counter()
    started_s = time.monotonic()
    number = 0
    while (elapsed_s := time.monotonic() - started_s) < duration_s:
        while number < elapsed_s * per_s:
            kind, datagram = pool[number % POOL]
            try:
                sockets[number % SOCKETS].sendto(datagram, ("127.0.0.1", port))
                sent[kind] += 1
            except BlockingIOError:
                sent["lost"] += 1
            number += 1
        time.sleep(BURST_S)
    print(json.dumps(sent))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
