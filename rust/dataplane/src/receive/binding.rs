//! Which m-line and layer an SSRC belongs to: by SDP, by MID and RID, by payload type (RFC 8843 section 9.2, RFC 8852).

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use super::stream::{ReceiveStream, Role};
use crate::api::{Payload, ReceiveSection};
use crate::time::Time;

/// The most SSRCs of one transport; more are refused.
pub const MAX_STREAMS: usize = 64;

/// For so long an SSRC does not come back that another one has replaced: its stragglers would take the place again.
const REPLACED_FOR: Duration = Duration::from_secs(2);
const MAX_REPLACED: usize = 16;

/// What the header of a packet says of where it belongs.
#[derive(Clone, Copy, Debug, Default)]
pub struct Hints<'a> {
    pub mid: Option<&'a [u8]>,
    pub rid: Option<&'a [u8]>,
    pub repaired_rid: Option<&'a [u8]>,
}

/// The m-lines of a publisher and the streams found so far.
#[derive(Debug, Default)]
pub struct Binding {
    sections: Vec<ReceiveSection>,
    streams: Vec<ReceiveStream>,
    by_ssrc: HashMap<u32, usize>,
    /// SSRCs whose place another one took, and when.
    replaced: VecDeque<(u32, Time)>,
}

impl Binding {
    /// The m-lines changed: streams of those that stay (by track) stay; the others end.
    pub fn configure(&mut self, sections: Vec<ReceiveSection>) {
        let old = std::mem::replace(&mut self.sections, sections);
        self.streams.retain_mut(|stream| {
            let track = old[stream.section].track;
            match self.sections.iter().position(|section| section.track == track) {
                Some(section) => {
                    stream.section = section;
                    true
                }
                None => false,
            }
        });
        self.by_ssrc = self.streams.iter().enumerate().map(|(index, stream)| (stream.ssrc, index)).collect();
    }

    pub fn sections(&self) -> &[ReceiveSection] {
        &self.sections
    }

    pub fn streams(&self) -> &[ReceiveStream] {
        &self.streams
    }

    pub fn streams_mut(&mut self) -> &mut [ReceiveStream] {
        &mut self.streams
    }

    /// A stream with the m-line it belongs to.
    pub fn stream_mut(&mut self, index: usize) -> (&mut ReceiveStream, &ReceiveSection) {
        let stream = &mut self.streams[index];
        let section = &self.sections[stream.section];
        (stream, section)
    }

    pub fn find(&self, ssrc: u32) -> Option<usize> {
        self.by_ssrc.get(&ssrc).copied()
    }

    /// The stream which `repair` retransmits.
    pub fn repaired_by(&self, repair: usize) -> Option<usize> {
        let repair = &self.streams[repair];
        self.streams.iter().position(|stream| {
            stream.role == Role::Media && stream.section == repair.section && stream.layer == repair.layer
        })
    }

    /// Finds the stream of a packet, or makes it; None if nothing tells where it belongs.
    pub fn bind(&mut self, now: Time, ssrc: u32, payload_type: u8, hints: Hints<'_>) -> Option<usize> {
        if let Some(index) = self.find(ssrc) {
            return Some(index);
        }
        let (section, layer, role) =
            self.locate_by_sdp(ssrc).or_else(|| self.locate_by_header(payload_type, hints))?;
        // A publisher that changes its SSRC (a browser after replaceTrack does not, others do) leaves the old one behind.
        let stale = self.streams.iter().position(|s| (s.section, s.layer, s.role) == (section, layer, role));
        let stream = ReceiveStream::new(ssrc, section, layer, role);
        let index = match stale {
            Some(_) if self.was_replaced(now, ssrc) => return None,
            Some(index) => {
                self.note_replaced(now, self.streams[index].ssrc);
                self.by_ssrc.remove(&self.streams[index].ssrc);
                self.streams[index] = stream.starting(now, Some(&self.streams[index]));
                index
            }
            None if self.streams.len() >= MAX_STREAMS => return None,
            None => {
                self.streams.push(stream.starting(now, None));
                self.streams.len() - 1
            }
        };
        self.by_ssrc.insert(ssrc, index);
        Some(index)
    }

    fn was_replaced(&self, now: Time, ssrc: u32) -> bool {
        self.replaced.iter().any(|&(known, at)| known == ssrc && now.since(at) < REPLACED_FOR)
    }

    fn note_replaced(&mut self, now: Time, ssrc: u32) {
        self.replaced.retain(|&(known, _)| known != ssrc);
        if self.replaced.len() >= MAX_REPLACED {
            self.replaced.pop_front();
        }
        self.replaced.push_back((ssrc, now));
    }

    fn locate_by_sdp(&self, ssrc: u32) -> Option<(usize, u8, Role)> {
        for (index, section) in self.sections.iter().enumerate() {
            for (layer, &(media, repair)) in section.ssrcs.iter().enumerate() {
                let layer = u8::try_from(layer).unwrap_or(u8::MAX);
                if media == ssrc {
                    return Some((index, layer, Role::Media));
                }
                if repair == Some(ssrc) {
                    return Some((index, layer, Role::Repair));
                }
            }
        }
        None
    }

    fn locate_by_header(&self, payload_type: u8, hints: Hints<'_>) -> Option<(usize, u8, Role)> {
        let section = match hints.mid {
            Some(mid) => self.sections.iter().position(|section| section.mid.as_bytes() == mid)?,
            None => {
                // Without MID a payload type tells, if only one m-line has it.
                let mut having = self.sections.iter().enumerate().filter(|(_, section)| {
                    section
                        .payloads
                        .iter()
                        .any(|p| p.payload_type == payload_type || p.rtx_payload_type == Some(payload_type))
                });
                let (index, _) = having.next()?;
                if having.next().is_some() {
                    return None;
                }
                index
            }
        };
        let described = &self.sections[section];
        let repair = described.payloads.iter().any(|payload| payload.rtx_payload_type == Some(payload_type));
        let role = if repair { Role::Repair } else { Role::Media };
        if !repair && payload(described, payload_type).is_none() {
            return None;
        }
        if described.rids.is_empty() {
            return Some((section, 0, role));
        }
        let rid = if repair { hints.repaired_rid } else { hints.rid }?;
        let layer = described.rids.iter().position(|known| known.as_bytes() == rid)?;
        Some((section, u8::try_from(layer).ok()?, role))
    }
}

/// What an m-line agreed on for a payload type.
pub fn payload(section: &ReceiveSection, payload_type: u8) -> Option<&Payload> {
    section.payloads.iter().find(|payload| payload.payload_type == payload_type)
}

/// The payload type that an RTX payload type repeats.
pub fn repaired_payload(section: &ReceiveSection, payload_type: u8) -> Option<&Payload> {
    section.payloads.iter().find(|payload| payload.rtx_payload_type == Some(payload_type))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::{Codec, Kind, TrackId};

    fn section(
        track: u32,
        mid: &str,
        payload_type: u8,
        rids: &[&str],
        ssrcs: &[(u32, Option<u32>)],
    ) -> ReceiveSection {
        ReceiveSection {
            track: TrackId(track),
            mid: mid.to_owned(),
            kind: Kind::Video,
            payloads: vec![Payload {
                payload_type,
                codec: Codec::Vp8,
                clock_hz: 90_000,
                rtx_payload_type: Some(payload_type + 1),
                nack: true,
                pli: true,
                fir: false,
            }],
            ssrcs: ssrcs.to_vec(),
            rids: rids.iter().map(|&rid| rid.to_owned()).collect(),
        }
    }

    fn bound(
        binding: &mut Binding,
        ssrc: u32,
        payload_type: u8,
        hints: Hints<'_>,
    ) -> Option<(u32, u8, Role)> {
        let index = binding.bind(Time::ZERO, ssrc, payload_type, hints)?;
        let (stream, section) = binding.stream_mut(index);
        Some((section.track.0, stream.layer, stream.role))
    }

    #[test]
    fn an_ssrc_that_the_sdp_names_needs_no_extension() {
        let mut binding = Binding::default();
        binding.configure(vec![section(7, "0", 96, &[], &[(111, Some(112))])]);
        assert_eq!(bound(&mut binding, 111, 96, Hints::default()), Some((7, 0, Role::Media)));
        assert_eq!(bound(&mut binding, 112, 97, Hints::default()), Some((7, 0, Role::Repair)));
        assert_eq!(binding.repaired_by(1), Some(0));
    }

    #[test]
    fn simulcast_layers_are_bound_by_mid_and_rid_and_their_repairs_by_repaired_rid() {
        let mut binding = Binding::default();
        binding.configure(vec![section(7, "0", 96, &["q", "h", "f"], &[])]);
        let hints = |rid| Hints { mid: Some(b"0"), rid: Some(rid), repaired_rid: None };
        assert_eq!(bound(&mut binding, 1, 96, hints(b"f")), Some((7, 2, Role::Media)));
        assert_eq!(bound(&mut binding, 2, 96, hints(b"q")), Some((7, 0, Role::Media)));
        let repair = Hints { mid: Some(b"0"), rid: None, repaired_rid: Some(b"f") };
        assert_eq!(bound(&mut binding, 3, 97, repair), Some((7, 2, Role::Repair)));
        assert_eq!(binding.repaired_by(2), Some(0));
        // Once bound, the SSRC alone tells.
        assert_eq!(bound(&mut binding, 3, 97, Hints::default()), Some((7, 2, Role::Repair)));
        assert_eq!(bound(&mut binding, 4, 96, hints(b"x")), None);
    }

    #[test]
    fn a_payload_type_binds_only_where_it_is_unambiguous() {
        let mut binding = Binding::default();
        binding.configure(vec![section(7, "0", 96, &[], &[]), section(8, "1", 100, &[], &[])]);
        assert_eq!(bound(&mut binding, 1, 100, Hints::default()), Some((8, 0, Role::Media)));
        binding.configure(vec![section(7, "0", 96, &[], &[]), section(8, "1", 96, &[], &[])]);
        assert_eq!(bound(&mut binding, 2, 96, Hints::default()), None);
    }

    #[test]
    fn streams_live_as_long_as_their_m_line() {
        let mut binding = Binding::default();
        binding
            .configure(vec![section(7, "0", 96, &[], &[(1, None)]), section(8, "1", 100, &[], &[(2, None)])]);
        bound(&mut binding, 1, 96, Hints::default());
        bound(&mut binding, 2, 100, Hints::default());
        binding.configure(vec![section(8, "1", 100, &[], &[(2, None)])]);
        assert_eq!(binding.streams().len(), 1);
        assert_eq!(bound(&mut binding, 2, 100, Hints::default()), Some((8, 0, Role::Media)));
    }

    #[test]
    fn stragglers_of_an_ssrc_that_was_replaced_do_not_take_its_place_again() {
        let mut binding = Binding::default();
        binding.configure(vec![section(7, "0", 96, &[], &[])]);
        let mut bind = |ms, ssrc| binding.bind(Time::from_millis(ms), ssrc, 96, Hints::default()).is_some();
        assert!(bind(0, 1) && bind(1_000, 2));
        assert!(!bind(1_010, 1) && bind(1_010, 2));
        assert!(bind(3_000, 1), "but it may come back later");
        assert!(!bind(3_010, 2));
    }

    #[test]
    fn strangers_that_count_ssrcs_upwards_find_an_end() {
        let mut binding = Binding::default();
        binding.configure(vec![section(7, "0", 96, &[], &[])]);
        for ssrc in 0..10_000 {
            bound(&mut binding, ssrc, 96, Hints { mid: Some(b"0"), ..Hints::default() });
        }
        assert!(binding.streams().len() <= MAX_STREAMS);
        assert_eq!(binding.by_ssrc.len(), binding.streams().len());
    }
}
