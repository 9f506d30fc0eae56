//! The queue of one local source: any thread puts frames in, the data plane thread of the track takes them.

use std::collections::VecDeque;
use std::fmt;
use std::sync::Mutex;

use visavis_dataplane::api::{Kind, SourcePayload, TrackId};
use visavis_dataplane::frames::OutgoingFrame;
use visavis_dataplane::frames::packetiser::{is_key_frame, longest_frame};
use visavis_dataplane::source::MAX_LAYERS;

use super::locked;

/// What waits at most: a data plane thread takes it within microseconds, unless the machine is overloaded.
const FRAMES: usize = 64;
const BYTES: usize = 8 << 20;

/// Why a frame can never be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    NoSuchSource(TrackId),
    PayloadType(u8),
    Layer(u8),
    Empty,
    /// It is none of its codec.
    Unreadable,
    TooLong {
        bytes: usize,
        most: usize,
    },
    /// The frame's own bits say otherwise than the caller.
    KeyFrame {
        key: bool,
    },
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Refusal::NoSuchSource(TrackId(track)) => write!(f, "track: {track} is no open source"),
            Refusal::PayloadType(number) => write!(f, "payload_type: the source has no {number}"),
            Refusal::Layer(layer) => write!(f, "layer: {layer} is not below {MAX_LAYERS}"),
            Refusal::Empty => write!(f, "data: the frame is empty"),
            Refusal::Unreadable => write!(f, "data: no start code of H.264 (Annex B) is in it"),
            Refusal::TooLong { bytes, most } => {
                write!(f, "data: {bytes} bytes, and a frame of this codec may have {most}")
            }
            Refusal::KeyFrame { key: true } => write!(f, "key: by its own bits the frame is no key frame"),
            Refusal::KeyFrame { key: false } => write!(f, "key: by its own bits the frame is a key frame"),
        }
    }
}

impl std::error::Error for Refusal {}

/// Frames on their way to a data plane thread. When it is full the newest is refused; of video all that follows is too, up
/// to a key frame for which there is room, since it would be of no use.
#[derive(Debug)]
pub(crate) struct Inlet {
    pub track: TrackId,
    waiting: Mutex<Waiting>,
}

#[derive(Debug)]
struct Waiting {
    kind: Kind,
    payloads: Vec<SourcePayload>,
    frames: VecDeque<OutgoingFrame>,
    bytes: usize,
    /// By layer.
    needs_key_frame: [bool; MAX_LAYERS],
    /// Its thread was told that frames wait.
    announced: bool,
}

/// What became of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Put {
    /// It waits. `first`: the thread is to be told.
    Queued { first: bool },
    /// It is dropped. `needs_key_frame`: from now on up to a key frame, which the encoder is to be asked for.
    Full { needs_key_frame: bool },
}

impl Inlet {
    pub fn new(track: TrackId) -> Inlet {
        Inlet {
            track,
            waiting: Mutex::new(Waiting {
                kind: Kind::Audio,
                payloads: Vec::new(),
                frames: VecDeque::new(),
                bytes: 0,
                needs_key_frame: [false; MAX_LAYERS],
                announced: false,
            }),
        }
    }

    pub fn set_payloads(&self, kind: Kind, payloads: Vec<SourcePayload>) {
        let mut waiting = locked(&self.waiting);
        (waiting.kind, waiting.payloads) = (kind, payloads);
    }

    /// Queues a frame if there is room for it.
    pub fn put(&self, frame: OutgoingFrame) -> Result<Put, Refusal> {
        let mut waiting = locked(&self.waiting);
        waiting.check(&frame)?;
        let bytes = waiting.bytes + frame.data.len();
        let has_room = waiting.frames.len() < FRAMES && bytes <= BYTES;
        let is_video = waiting.kind == Kind::Video;
        let Some(needs_key_frame) = waiting.needs_key_frame.get_mut(usize::from(frame.layer)) else {
            return Err(Refusal::Layer(frame.layer));
        };
        if !has_room || *needs_key_frame && !frame.key {
            let needed = std::mem::replace(needs_key_frame, is_video);
            return Ok(Put::Full { needs_key_frame: is_video && !needed });
        }
        *needs_key_frame = false;
        waiting.bytes = bytes;
        waiting.frames.push_back(frame);
        Ok(Put::Queued { first: !std::mem::replace(&mut waiting.announced, true) })
    }

    /// All that waits.
    pub fn take(&self, frames: &mut Vec<(TrackId, OutgoingFrame)>) {
        let mut waiting = locked(&self.waiting);
        (waiting.bytes, waiting.announced) = (0, false);
        frames.extend(waiting.frames.drain(..).map(|frame| (self.track, frame)));
    }
}

impl Waiting {
    fn check(&self, frame: &OutgoingFrame) -> Result<(), Refusal> {
        let payload = self.payloads.iter().find(|payload| payload.payload_type == frame.payload_type);
        let Some(payload) = payload else { return Err(Refusal::PayloadType(frame.payload_type)) };
        let (bytes, most) = (frame.data.len(), longest_frame(payload.codec));
        if bytes == 0 {
            return Err(Refusal::Empty);
        }
        if bytes > most {
            return Err(Refusal::TooLong { bytes, most });
        }
        match is_key_frame(payload.codec, &frame.data) {
            None => Err(Refusal::Unreadable),
            Some(key) if self.kind == Kind::Video && key != frame.key => {
                Err(Refusal::KeyFrame { key: frame.key })
            }
            Some(_) => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use visavis_dataplane::Time;
    use visavis_dataplane::api::Codec;

    use super::*;

    fn inlet(kind: Kind, codec: Codec) -> Inlet {
        let inlet = Inlet::new(TrackId(1));
        inlet.set_payloads(kind, vec![SourcePayload { payload_type: 96, codec, clock_hz: 90_000 }]);
        inlet
    }

    fn frame(key: bool, bytes: usize) -> OutgoingFrame {
        OutgoingFrame {
            layer: 0,
            payload_type: 96,
            timestamp: 0,
            captured: Time::ZERO,
            key,
            audio_level: None,
            data: vec![u8::from(!key); bytes],
        }
    }

    #[test]
    fn the_thread_is_told_once_until_it_has_taken_what_waits() {
        let inlet = inlet(Kind::Video, Codec::Vp8);
        assert_eq!(inlet.put(frame(true, 10)), Ok(Put::Queued { first: true }));
        assert_eq!(inlet.put(frame(false, 10)), Ok(Put::Queued { first: false }));
        let mut taken = Vec::new();
        inlet.take(&mut taken);
        assert_eq!(taken.iter().map(|(_, frame)| frame.key).collect::<Vec<_>>(), [true, false]);
        assert_eq!(inlet.put(frame(false, 10)), Ok(Put::Queued { first: true }));
    }

    #[test]
    fn of_video_nothing_is_taken_after_a_full_queue_but_a_key_frame() {
        for (frames, bytes) in [(FRAMES, 10), (BYTES / (1 << 20), 1 << 20)] {
            let inlet = inlet(Kind::Video, Codec::Vp8);
            for _ in 0..frames {
                assert!(matches!(inlet.put(frame(true, bytes)), Ok(Put::Queued { .. })));
            }
            assert_eq!(inlet.put(frame(true, bytes)), Ok(Put::Full { needs_key_frame: true }));
            inlet.take(&mut Vec::new());
            assert_eq!(inlet.put(frame(false, 10)), Ok(Put::Full { needs_key_frame: false }), "said once");
            let other_layer = OutgoingFrame { layer: 1, ..frame(false, 10) };
            assert!(matches!(inlet.put(other_layer), Ok(Put::Queued { .. })));
            assert!(matches!(inlet.put(frame(true, 10)), Ok(Put::Queued { .. })));
            assert!(matches!(inlet.put(frame(false, 10)), Ok(Put::Queued { .. })));
        }
    }

    #[test]
    fn of_audio_only_what_finds_no_room_is_refused() {
        let inlet = inlet(Kind::Audio, Codec::Opus);
        while inlet.put(frame(false, 10)) != Ok(Put::Full { needs_key_frame: false }) {}
        inlet.take(&mut Vec::new());
        assert!(matches!(inlet.put(frame(false, 10)), Ok(Put::Queued { .. })));
    }

    #[test]
    fn what_can_never_be_sent_is_told_with_its_reason() {
        let inlet = inlet(Kind::Video, Codec::Vp8);
        let put = |frame| inlet.put(frame).expect_err("the frame cannot be sent");
        assert_eq!(put(OutgoingFrame { payload_type: 97, ..frame(true, 1) }), Refusal::PayloadType(97));
        assert_eq!(put(OutgoingFrame { layer: MAX_LAYERS as u8, ..frame(true, 1) }), Refusal::Layer(8));
        assert_eq!(put(frame(true, 0)), Refusal::Empty);
        assert_eq!(put(OutgoingFrame { key: true, ..frame(false, 1) }), Refusal::KeyFrame { key: true });
        assert!(matches!(put(frame(true, (2 << 20) + 1)), Refusal::TooLong { .. }));
        let inlet = self::inlet(Kind::Video, Codec::H264);
        assert_eq!(inlet.put(frame(true, 100)), Err(Refusal::Unreadable));
    }
}
