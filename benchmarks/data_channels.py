"""What data channels carry between two processes over loopback: `python -m benchmarks.data_channels`.

Each process has one `RTCPeerConnection`; they exchange descriptions over a pipe. `--quick` sends a tenth.
`--case SIZE,CHANNELS,RECEIVER` measures one row, for a profiler. README.md says what a figure means.
"""

import argparse
import asyncio
import multiprocessing

from benchmarks.data_channel_ends import IDLE_PINGS, Case, Outcome, Sender, receive

SIZES_BYTES = (100, 1_200, 16_384, 262_144)
CHANNELS = (1, 8)
RECEIVERS = ("onmessage", "async for")
BULK_BYTES = 400_000_000
MOST_MESSAGES = 640_000


def cases(share: float) -> list[Case]:
    """All rows of the table, with a share of the bytes."""
    return [
        case(size_bytes, channels, receiver, share)
        for size_bytes in SIZES_BYTES
        for channels in CHANNELS
        for receiver in RECEIVERS
    ]


def case(size_bytes: int, channels: int, receiver: str, share: float) -> Case:
    """One row of it."""
    messages = min(MOST_MESSAGES, BULK_BYTES // size_bytes) * share
    return Case(size_bytes, channels, receiver, max(1, int(messages) // channels))


def row(case: Case, alone: Outcome, with_pings: Outcome) -> str:
    """A line of the table."""
    gigabytes = case.total_bytes / 1e9
    return (
        f"| {case.size_bytes:,} B | {case.channels} | {case.receiver} "
        f"| {case.messages / alone.elapsed_s:,.0f} | {case.total_bytes * 8e-6 / alone.elapsed_s:,.0f} "
        f"| {alone.sender_cpu_s / gigabytes:.1f} + {alone.receiver_cpu_s / gigabytes:.1f} "
        f"| {_round_trips(with_pings.round_trips_s)} |"
    )


def _round_trips(times_s: list[float]) -> str:
    if not times_s:
        return "-"
    ordered = sorted(times_s)
    return f"{ordered[len(ordered) // 2] * 1e3:.2f} / {ordered[len(ordered) * 99 // 100] * 1e3:.2f}"


async def measure(chosen: list[Case]) -> None:
    """Prints the table while it is measured."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=receive, args=(theirs,))
    process.start()
    sender = Sender()
    await sender.connect(ours)
    idle_s: list[float] = []
    await sender.ping(idle_s, IDLE_PINGS, 0.0)
    print(f"round trip of 4 bytes while idle, p50 / p99: {_round_trips(idle_s)} ms\n")
    print("| message | channels | receiver | messages/s | Mb/s | CPU s/GB, both ends | RTT ms, p50 / p99 |")
    print("|---|---|---|---|---|---|---|")
    for each in chosen:
        alone = await sender.run(each, with_pings=False)
        print(row(each, alone, await sender.run(each, with_pings=True)), flush=True)
    await sender.close()
    await asyncio.to_thread(process.join)


def main() -> None:
    """Measures what the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a tenth of the bytes")
    parser.add_argument("--case", help="SIZE,CHANNELS,RECEIVER: one row only")
    arguments = parser.parse_args()
    share = 0.1 if arguments.quick else 1.0
    chosen = cases(share)
    if arguments.case:
        size_bytes, channels, receiver = arguments.case.split(",")
        chosen = [case(int(size_bytes), int(channels), receiver, share)]
    asyncio.run(measure(chosen))


if __name__ == "__main__":
    main()
