//! Who is heard, and how loud: the levels that audio packets carry (RFC 6464), smoothed.

use std::time::Duration;

use visavis_wire::ext::AudioLevel;

use crate::api::TrackId;
use crate::time::Time;

/// Who is silent for so long is not heard any more.
const LASTS: Duration = Duration::from_millis(500);
/// A level rises at once and falls over some ten packets, as a meter does.
const RISE: f32 = 0.5;
const FALL: f32 = 0.1;

#[derive(Clone, Copy, Debug)]
struct Level {
    track: TrackId,
    /// Smoothed, dBov.
    dbov: f32,
    heard: Time,
}

/// The levels of a transport's tracks; as many as it has m-lines.
#[derive(Debug, Default)]
pub struct Levels(Vec<Level>);

impl Levels {
    pub fn note(&mut self, now: Time, track: TrackId, level: AudioLevel) {
        let dbov = -f32::from(level.level);
        match self.0.iter_mut().find(|known| known.track == track) {
            Some(known) => {
                known.dbov += (dbov - known.dbov) * if dbov > known.dbov { RISE } else { FALL };
                known.heard = now;
            }
            None => self.0.push(Level { track, dbov, heard: now }),
        }
    }

    pub fn forget(&mut self, ended: &[TrackId]) {
        self.0.retain(|level| !ended.contains(&level.track));
    }

    /// Who is heard now, and how loud, in dBov.
    pub fn heard(&self, now: Time) -> impl Iterator<Item = (TrackId, i8)> + '_ {
        self.0
            .iter()
            .filter(move |level| now.since(level.heard) < LASTS)
            .map(|level| (level.track, level.dbov as i8))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_voice_is_heard_at_once_fades_slowly_and_ends_with_its_packets() {
        let mut levels = Levels::default();
        let note = |levels: &mut Levels, ms, level| {
            levels.note(Time::from_millis(ms), TrackId(1), AudioLevel { voice: true, level });
        };
        note(&mut levels, 0, 127);
        (1..6).for_each(|n| note(&mut levels, n * 20, 20));
        let heard = |levels: &Levels, ms| levels.heard(Time::from_millis(ms)).next();
        let Some((TrackId(1), loud @ -25..=-20)) = heard(&levels, 100) else { panic!("{levels:?}") };
        note(&mut levels, 120, 127);
        assert!(heard(&levels, 120).is_some_and(|(_, level)| (loud - 12..loud).contains(&level)));
        assert_eq!((heard(&levels, 619).is_some(), heard(&levels, 620)), (true, None));
        levels.forget(&[TrackId(1)]);
        assert_eq!(heard(&levels, 121), None);
    }
}
