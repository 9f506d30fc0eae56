//! Packets put together to whole frames, in their order, for one layer of a track.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use visavis_wire::ext::AudioLevel;
use visavis_wire::rtp;

use super::Frame;
use super::packetiser::{append_content_untrusted, is_supported, starts_frame_untrusted};
use super::timestamps::Timestamps;
use crate::api::{Extension, Kind};
use crate::media::MediaPacket;
use crate::time::Time;

/// A missing audio packet is waited for so long: it comes by another way than its neighbours, or not at all.
const AUDIO_PATIENCE: Duration = Duration::from_millis(60);
/// A missing video packet is: for a few tries to have it sent again, within what a viewer takes for a hiccup.
const VIDEO_PATIENCE: Duration = Duration::from_millis(500);
/// But only so long once a later key frame is whole: with it the picture goes on.
const KEY_FRAME_PATIENCE: Duration = Duration::from_millis(100);
/// What waits to be whole at most; more of a frame is none.
const MAX_PACKETS: usize = 2_048;
const MAX_BYTES: usize = 4 << 20;

/// What came of a layer's packets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AssembledFrames {
    pub frames: u64,
    pub key_frames: u64,
    /// Of more than one packet, and how long these took from their first packet to their last.
    pub from_many_packets: u64,
    pub assembly_time: Duration,
    /// They came in part, or of no use without one that did not come.
    pub dropped: u64,
}

/// Where the walk through the next frame's packets ended.
enum Walk {
    /// At its last packet.
    Whole,
    /// At a packet that is not here; later ones are.
    Missing,
    /// At the newest packet.
    UnderWay,
    /// At one that cannot belong where it is.
    Torn,
}

/// Puts frames together.
///
/// Audio has a packet a frame: one that is missing is waited for, then counted to the next one's `lost_before`. Video is
/// given out from a key frame on without a gap; where one cannot be closed in time, what follows waits for the next key
/// frame, which is asked for.
#[derive(Debug)]
pub struct Assembler {
    kind: Kind,
    waiting: BTreeMap<u64, Arc<MediaPacket>>,
    bytes: usize,
    /// Of those waiting, the ones that begin a key frame.
    key_starts: BTreeSet<u64>,
    /// The stream whose packets these are.
    stream: Option<u64>,
    /// The first packet of the next frame.
    next: Option<u64>,
    /// The packets of the next frame are here up to this one, and what they have of it is in `content`.
    walked: u64,
    content: Vec<u8>,
    needs_key_frame: bool,
    asks_for_key_frame: bool,
    missing_since: Option<Time>,
    lost_before: u32,
    /// The timestamp of the frame discarded last.
    discarded: Option<u32>,
    timestamps: Timestamps,
    counts: AssembledFrames,
}

impl Assembler {
    pub fn new(kind: Kind) -> Assembler {
        Assembler {
            kind,
            waiting: BTreeMap::new(),
            bytes: 0,
            key_starts: BTreeSet::new(),
            stream: None,
            next: None,
            walked: 0,
            content: Vec::new(),
            needs_key_frame: kind == Kind::Video,
            asks_for_key_frame: false,
            missing_since: None,
            lost_before: 0,
            discarded: None,
            timestamps: Timestamps::default(),
            counts: AssembledFrames::default(),
        }
    }

    pub fn counts(&self) -> AssembledFrames {
        self.counts
    }

    /// So many frames were dropped behind.
    pub fn note_dropped(&mut self, count: u64) {
        self.counts.dropped += count;
    }

    /// Whether a key frame is to be asked for, since the last call.
    pub fn take_key_frame_wanted(&mut self) -> bool {
        std::mem::take(&mut self.asks_for_key_frame)
    }

    /// Takes a packet; frames that are whole by it are appended to `frames`.
    pub fn push_untrusted(&mut self, now: Time, packet: &Arc<MediaPacket>, frames: &mut Vec<Frame>) {
        if !is_supported(self.kind, packet.codec) {
            self.counts.dropped += u64::from(packet.marker);
            return;
        }
        match self.stream {
            Some(stream) if packet.stream < stream => return,
            Some(stream) if packet.stream == stream => (),
            _ => self.restart(packet.stream),
        }
        if self.next.is_some_and(|next| packet.sequence < next) {
            return;
        }
        // One that is here already stays: the first to come was counted.
        let Entry::Vacant(place) = self.waiting.entry(packet.sequence) else { return };
        place.insert(Arc::clone(packet));
        self.bytes += packet.data.len();
        if packet.starts_key_frame && self.kind == Kind::Video {
            self.key_starts.insert(packet.sequence);
        }
        self.keep_within_bounds();
        self.drain(now, frames);
    }

    /// Gives up what was waited for long enough.
    pub fn handle_timeout(&mut self, now: Time, frames: &mut Vec<Frame>) {
        self.drain(now, frames);
        let Some(since) = self.missing_since.filter(|_| self.kind == Kind::Video) else { return };
        let waited = now.since(since);
        if waited >= VIDEO_PATIENCE || waited >= KEY_FRAME_PATIENCE && self.has_later_key_frame() {
            self.give_up();
            self.drain(now, frames);
        }
    }

    /// Another stream of the publisher's: nothing of the one before is of use.
    fn restart(&mut self, stream: u64) {
        self.discard_before(u64::MAX);
        self.stream = Some(stream);
        (self.next, self.missing_since) = (None, None);
        self.content.clear();
        self.needs_key_frame = self.kind == Kind::Video;
        self.timestamps.restart();
    }

    fn drain(&mut self, now: Time, frames: &mut Vec<Frame>) {
        match self.kind {
            Kind::Audio => while self.take_audio(now, frames) {},
            Kind::Video => while self.take_video(now, frames) {},
        }
    }

    /// Gives out the next packet of audio, if it is here or was waited for in vain.
    fn take_audio(&mut self, now: Time, frames: &mut Vec<Frame>) -> bool {
        let Some((&first, packet)) = self.waiting.first_key_value() else { return false };
        let next = self.next.unwrap_or(first);
        if first > next {
            let since = *self.missing_since.get_or_insert(now);
            if now.since(since) < AUDIO_PATIENCE {
                return false;
            }
            let lost = u32::try_from(first - next).unwrap_or(u32::MAX);
            self.lost_before = self.lost_before.saturating_add(lost);
        }
        let packet = Arc::clone(packet);
        self.forget(first);
        (self.next, self.missing_since) = (Some(first + 1), None);
        // Padding is no frame, nor is it missing.
        let mut content = Vec::new();
        if !packet.payload().is_empty()
            && append_content_untrusted(packet.codec, packet.payload(), &mut content)
        {
            self.give_out(&[packet], content, true, frames);
        }
        true
    }

    /// Gives out the next frame of video, if it is whole.
    fn take_video(&mut self, now: Time, frames: &mut Vec<Frame>) -> bool {
        if self.needs_key_frame {
            let Some(&start) = self.key_starts.first() else { return false };
            self.discard_before(start);
            self.begin_at(start);
            self.needs_key_frame = false;
        }
        match self.walk() {
            Walk::Whole => {
                let (next, end) = (self.next.unwrap_or(self.walked), self.walked);
                let packets: Vec<Arc<MediaPacket>> =
                    self.waiting.range(next..=end).map(|(_, packet)| Arc::clone(packet)).collect();
                (next..=end).for_each(|sequence| self.forget(sequence));
                let content = std::mem::take(&mut self.content);
                self.begin_at(end + 1);
                let key = packets.iter().any(|packet| packet.starts_key_frame);
                self.give_out(&packets, content, key, frames);
                true
            }
            Walk::Torn => {
                self.give_up();
                true
            }
            Walk::Missing => {
                self.missing_since.get_or_insert(now);
                false
            }
            Walk::UnderWay => {
                self.missing_since = None;
                false
            }
        }
    }

    /// Goes on through the packets of the next frame, from where the last walk ended.
    fn walk(&mut self) -> Walk {
        loop {
            let (Some(next), walked) = (self.next, self.walked) else { return Walk::UnderWay };
            let Some(packet) = self.waiting.get(&walked) else {
                let later = self.waiting.last_key_value().is_some_and(|(&last, _)| last > walked);
                return if later { Walk::Missing } else { Walk::UnderWay };
            };
            if walked == next && packet.payload().is_empty() {
                // Padding between frames.
                self.forget(next);
                self.begin_at(next + 1);
                continue;
            }
            let fits = if walked == next {
                starts_frame_untrusted(packet.codec, packet.payload())
            } else {
                self.waiting.get(&next).is_some_and(|first| first.timestamp == packet.timestamp)
            };
            let is_padding = packet.payload().is_empty();
            if !fits
                || !is_padding && !append_content_untrusted(packet.codec, packet.payload(), &mut self.content)
            {
                return Walk::Torn;
            }
            if packet.marker {
                return Walk::Whole;
            }
            self.walked += 1;
        }
    }

    /// The next frame begins with this packet.
    fn begin_at(&mut self, sequence: u64) {
        (self.next, self.walked) = (Some(sequence), sequence);
        self.content.clear();
        self.missing_since = None;
    }

    /// Whether a key frame behind the frame under way is whole.
    fn has_later_key_frame(&self) -> bool {
        let next = self.next.map_or(0, |next| next + 1);
        self.key_starts.range(next..).any(|&start| {
            let packets = (start..).map_while(|sequence| self.waiting.get(&sequence));
            packets.take(MAX_PACKETS).any(|packet| packet.marker)
        })
    }

    /// The frame under way is of no use, nor is what follows up to a key frame.
    fn give_up(&mut self) {
        let behind = self.next.map_or(0, |next| next + 1);
        self.discard_before(behind);
        self.begin_at(behind);
        self.needs_key_frame = true;
        self.asks_for_key_frame |= self.key_starts.is_empty();
    }

    fn keep_within_bounds(&mut self) {
        while self.waiting.len() > MAX_PACKETS || self.bytes > MAX_BYTES {
            if self.kind == Kind::Video && !self.needs_key_frame {
                self.give_up();
            }
            let oldest = self.waiting.first_key_value().map_or(0, |(&sequence, _)| sequence);
            self.discard_before(oldest + 1);
        }
    }

    /// Drops packets, and counts the frames that they are of.
    fn discard_before(&mut self, limit: u64) {
        while let Some((&sequence, packet)) =
            self.waiting.first_key_value().filter(|&(&first, _)| first < limit)
        {
            if !packet.payload().is_empty() && self.discarded != Some(packet.timestamp) {
                self.discarded = Some(packet.timestamp);
                self.counts.dropped += 1;
                self.lost_before = self.lost_before.saturating_add(1);
            }
            self.forget(sequence);
        }
    }

    fn forget(&mut self, sequence: u64) {
        if let Some(packet) = self.waiting.remove(&sequence) {
            self.bytes -= packet.data.len();
            self.key_starts.remove(&sequence);
        }
    }

    fn give_out(
        &mut self,
        packets: &[Arc<MediaPacket>],
        content: Vec<u8>,
        key: bool,
        frames: &mut Vec<Frame>,
    ) {
        let Some(first) = packets.first() else { return };
        self.counts.frames += 1;
        self.counts.key_frames += u64::from(key && self.kind == Kind::Video);
        let received = packets.iter().map(|packet| packet.received);
        let (began, ended) = (received.clone().min(), received.max());
        let (began, ended) = (began.unwrap_or(first.received), ended.unwrap_or(first.received));
        self.counts.from_many_packets += u64::from(packets.len() > 1);
        self.counts.assembly_time += ended.since(began);
        self.discarded = None;
        frames.push(Frame {
            data: content.into_boxed_slice(),
            timestamp: self.timestamps.unwrap(first.timestamp),
            payload_type: first.payload_type,
            key,
            received: ended,
            captured: None,
            audio_level: first.extension(Extension::AudioLevel).and_then(AudioLevel::from_value),
            ssrc: first.ssrc,
            csrcs: rtp::csrcs_untrusted(&first.data),
            lost_before: std::mem::take(&mut self.lost_before),
        });
    }
}

#[cfg(test)]
mod tests;
