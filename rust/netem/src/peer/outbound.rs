//! What a peer publishes: one encoding, its packets, their retransmission, its sender reports.

use std::collections::VecDeque;
use std::time::Duration;

use visavis_dataplane::Time;
use visavis_dataplane::api::Kind;
use visavis_dataplane::srtp::{SealStream, Sender};
use visavis_wire::{ext, rtcp, rtp};

use super::{Codecs, extension_id};
use crate::content::{Content, MAX_PAYLOAD, packets_for};

/// How many packets can be repeated.
const HISTORY: usize = 1_024;

/// One encoding: a microphone, a camera, or a simulcast layer of one.
#[derive(Clone, Debug)]
pub struct Encoding {
    pub kind: Kind,
    pub mid: String,
    pub rid: Option<String>,
    pub ssrc: u32,
    pub rtx_ssrc: Option<u32>,
    pub interval: Duration,
    pub frame_bytes: usize,
    /// How much larger a key frame is.
    pub key_factor: usize,
    pub first_sequence: u16,
    pub first_timestamp: u32,
}

impl Encoding {
    /// 50 packets a second of 80 bytes.
    pub fn audio(mid: &str, ssrc: u32) -> Encoding {
        Encoding {
            kind: Kind::Audio,
            mid: mid.to_owned(),
            rid: None,
            ssrc,
            rtx_ssrc: None,
            interval: Duration::from_millis(20),
            frame_bytes: 80,
            key_factor: 1,
            first_sequence: 0xfff0,
            first_timestamp: 0xffff_f000,
        }
    }

    /// 30 frames a second.
    pub fn video(mid: &str, ssrc: u32, bps: usize) -> Encoding {
        Encoding {
            kind: Kind::Video,
            mid: mid.to_owned(),
            rid: None,
            ssrc,
            rtx_ssrc: Some(ssrc + 1),
            interval: Duration::from_micros(33_333),
            frame_bytes: bps / 8 / 30,
            key_factor: 5,
            first_sequence: 0xff00,
            first_timestamp: 0xfffe_0000,
        }
    }

    pub fn layer(mid: &str, rid: &str, ssrc: u32, bps: usize) -> Encoding {
        Encoding { rid: Some(rid.to_owned()), ..Encoding::video(mid, ssrc, bps) }
    }
}

#[derive(Debug)]
struct Sent {
    sequence: u16,
    timestamp: u32,
    marker: bool,
    payload: Vec<u8>,
}

/// An encoding that is being sent.
#[derive(Debug)]
pub struct Outbound {
    pub encoding: Encoding,
    stream: SealStream,
    repair: Option<(SealStream, u16)>,
    sequence: u16,
    history: VecDeque<Sent>,
    pub next_frame: Time,
    pub enabled: bool,
    key_wanted: bool,
    pub frames: u32,
    pub key_frames: u32,
    pub packets: u32,
    pub octets: u32,
    pub repeated: u64,
    /// Requests for key frames.
    pub plis: Vec<Time>,
}

/// Seals packets for one transport and numbers them across its streams.
#[derive(Debug)]
pub struct Way<'a> {
    pub srtp: &'a Sender,
    pub codecs: &'a Codecs,
    pub transport_sequence: &'a mut u16,
    pub out: &'a mut Vec<Vec<u8>>,
}

impl Outbound {
    /// None if its SSRC was used before under these keys.
    pub fn new(encoding: Encoding, srtp: &mut Sender, start: Time) -> Option<Outbound> {
        let stream = srtp.open_stream(encoding.ssrc).ok()?;
        let repair =
            encoding.rtx_ssrc.and_then(|ssrc| srtp.open_stream(ssrc).ok()).map(|stream| (stream, 500));
        Some(Outbound {
            sequence: encoding.first_sequence,
            encoding,
            stream,
            repair,
            history: VecDeque::new(),
            next_frame: start,
            enabled: true,
            key_wanted: true,
            frames: 0,
            key_frames: 0,
            packets: 0,
            octets: 0,
            repeated: 0,
            plis: Vec::new(),
        })
    }

    /// Goes on under another SSRC, as an encoder that was made anew.
    pub fn change_ssrc(&mut self, ssrc: u32, srtp: &mut Sender) {
        if let Ok(stream) = srtp.open_stream(ssrc) {
            self.stream = stream;
            self.repair = self.repair.take().and_then(|_| Some((srtp.open_stream(ssrc + 1).ok()?, 500)));
            self.encoding.ssrc = ssrc;
            self.encoding.rtx_ssrc = Some(ssrc + 1);
            self.sequence = 17;
            self.encoding.first_timestamp = 99;
            self.history.clear();
            self.key_wanted = true;
        }
    }

    pub fn handle_key_frame_request(&mut self, now: Time) {
        self.plis.push(now);
        self.key_wanted = true;
    }

    fn timestamp(&self, now: Time, codecs: &Codecs) -> u32 {
        let ticks =
            u128::from(now.as_nanos()) * u128::from(codecs.clock_hz(self.encoding.kind)) / 1_000_000_000;
        self.encoding.first_timestamp.wrapping_add(ticks as u32)
    }

    /// Captures, encodes and sends the frame that is due.
    pub fn handle_timeout(&mut self, now: Time, way: &mut Way<'_>) {
        if now < self.next_frame {
            return;
        }
        self.next_frame = self.next_frame + self.encoding.interval;
        if !self.enabled {
            return;
        }
        let video = self.encoding.kind == Kind::Video;
        let key = video && std::mem::take(&mut self.key_wanted);
        self.key_frames += u32::from(key);
        let bytes = self.encoding.frame_bytes * if key { self.encoding.key_factor } else { 1 };
        let count = if video { packets_for(bytes) } else { 1 };
        for index in 0..count {
            let content = Content {
                encoder: self.encoding.ssrc,
                frame: self.frames,
                index: index as u16,
                count: count as u16,
                captured: now,
                key: key || !video,
            };
            let mut payload = Vec::new();
            content.write(self.encoding.kind, (bytes / count).min(MAX_PAYLOAD), &mut payload);
            let marker = index + 1 == count && video;
            let timestamp = self.timestamp(now, way.codecs);
            self.send(Sent { sequence: self.sequence, timestamp, marker, payload }, way);
            self.sequence = self.sequence.wrapping_add(1);
        }
        self.frames += 1;
    }

    fn send(&mut self, sent: Sent, way: &mut Way<'_>) {
        let header = rtp::HeaderWriter {
            marker: sent.marker,
            payload_type: way.codecs.payload_type(self.encoding.kind),
            sequence: sent.sequence,
            timestamp: sent.timestamp,
            ssrc: self.encoding.ssrc,
            ..rtp::HeaderWriter::default()
        };
        self.packets += 1;
        self.octets += sent.payload.len() as u32;
        seal(&self.encoding, false, &mut self.stream, &header, &[], &sent.payload, way);
        if self.history.len() >= HISTORY {
            self.history.pop_front();
        }
        self.history.push_back(sent);
    }

    /// RFC 4588.
    pub fn handle_nack(&mut self, lost: impl Iterator<Item = u16>, way: &mut Way<'_>) {
        for sequence in lost {
            let Some(sent) = self.history.iter().find(|sent| sent.sequence == sequence) else { continue };
            let Some((stream, repair_sequence)) = &mut self.repair else { return };
            let header = rtp::HeaderWriter {
                marker: sent.marker,
                payload_type: way.codecs.rtx_payload_type,
                sequence: *repair_sequence,
                timestamp: sent.timestamp,
                ssrc: stream.ssrc(),
                ..rtp::HeaderWriter::default()
            };
            *repair_sequence = repair_sequence.wrapping_add(1);
            self.repeated += 1;
            seal(&self.encoding, true, stream, &header, &sequence.to_be_bytes(), &sent.payload, way);
        }
    }

    /// `ntp`: the peer's own wall clock.
    pub fn write_report(&self, now: Time, ntp: u64, cname: &str, codecs: &Codecs, out: &mut Vec<u8>) {
        let ssrc = self.encoding.ssrc;
        rtcp::write_sender_report(
            out,
            ssrc,
            ntp,
            self.timestamp(now, codecs),
            self.packets,
            self.octets,
            &[],
        );
        rtcp::write_sdes_cname(out, ssrc, cname);
    }
}

fn seal(
    encoding: &Encoding,
    repair: bool,
    stream: &mut SealStream,
    header: &rtp::HeaderWriter<'_>,
    prefix: &[u8],
    payload: &[u8],
    way: &mut Way<'_>,
) {
    let number = ext::transport_cc_bytes(*way.transport_sequence);
    *way.transport_sequence = way.transport_sequence.wrapping_add(1);
    let level = [ext::AudioLevel { voice: true, level: 20 }.to_byte()];
    let mut elements: Vec<(u8, &[u8])> =
        vec![(extension_id::TRANSPORT_CC, &number), (extension_id::MID, encoding.mid.as_bytes())];
    if let Some(rid) = &encoding.rid {
        elements.push((if repair { extension_id::REPAIRED_RID } else { extension_id::RID }, rid.as_bytes()));
    }
    if encoding.kind == Kind::Audio {
        elements.push((extension_id::AUDIO_LEVEL, &level));
    }
    let mut packet = Vec::new();
    let length = header.write(&mut packet, elements.iter().copied());
    packet.extend_from_slice(prefix);
    packet.extend_from_slice(payload);
    way.srtp.seal_rtp(stream, &mut packet, 0, length).expect("numbers grow by one");
    way.out.push(packet);
}
