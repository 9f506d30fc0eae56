from visavis.rtc.tones import ToneSink

FRAME_TICKS = 960
SOUND, TONE = 96, 97


class Wire:
    def __init__(self) -> None:
        self.sent: list[tuple[int, int, bytes]] = []

    def send_frame(
        self,
        payload_type: int,
        timestamp: int,
        data: bytes,
        key: bool,
        capture_time_s: float | None = None,
        audio_level: int | None = None,
        voice: bool = False,
    ) -> bool:
        self.sent.append((payload_type, timestamp, data))
        return True


def test_while_a_key_is_pressed_its_event_stands_for_the_sound() -> None:
    wire = Wire()
    sink = ToneSink(wire, TONE, 48_000)
    sink.send_frame(SOUND, 0, b"sound", True)
    sink.press("#", 0.04)
    for number in range(1, 5):
        sink.send_frame(SOUND, number * FRAME_TICKS, b"sound", True)
    assert wire.sent == [
        (SOUND, 0, b"sound"),
        (TONE, 960, bytes((11, 10, 0, 0))),
        (TONE, 960, bytes((11, 10, 3, 192))),
        *[(TONE, 960, bytes((11, 0x80 | 10, 7, 128)))] * 3,
        (SOUND, 3840, b"sound"),
    ]


def test_a_key_that_follows_lets_the_first_one_go() -> None:
    wire = Wire()
    sink = ToneSink(wire, TONE, 48_000)
    sink.press("1", 6.0)
    sink.send_frame(SOUND, 0, b"sound", True)
    sink.press("D", 0.02)
    for number in range(1, 4):
        sink.send_frame(SOUND, number * FRAME_TICKS, b"sound", True)
    assert [(sent[1], sent[2][0]) for sent in wire.sent if sent[0] == TONE] == [(0, 1), *[(960, 15)] * 4]
    assert wire.sent[-1] == (SOUND, 2880, b"sound")
