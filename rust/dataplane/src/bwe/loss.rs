//! The bound that follows the loss (draft-ietf-rmcat-gcc-02 section 6).

use std::time::Duration;

use crate::time::Time;

/// Up to this part lost, the bound grows; above the other one, it sinks; between them it stays.
const LOW_LOSS: f64 = 0.02;
const HIGH_LOSS: f64 = 0.10;
/// No accident any more, but a path that is overrun.
const HEAVY_LOSS: f64 = 0.33;
/// The queue must drain.
const BACK_OFF: f64 = 0.85;

const GROWTH_PER_SECOND: f64 = 0.08;
/// How far an application that sends less than it might can grow the bound, from what arrives.
const APPLICATION_LIMIT: f64 = 1.5;

/// The loss is judged over at least this many packets and this time.
const MIN_PACKETS: u32 = 50;
const MIN_SPAN: Duration = Duration::from_millis(500);

/// After a decrease, besides a round trip, before the next one.
const PAUSE: Duration = Duration::from_millis(300);

/// Counts what was lost, and bounds the rate.
#[derive(Debug, Default)]
pub(super) struct LossBound {
    /// None while no loss has ever bounded the rate.
    bound_bps: Option<f64>,
    lost: u32,
    told: u32,
    since: Option<Time>,
    last_decrease: Option<Time>,
    last_loss: f64,
}

impl LossBound {
    pub(super) fn bound_bps(&self) -> Option<f64> {
        self.bound_bps
    }

    pub(super) fn last_decrease(&self) -> Option<Time> {
        self.last_decrease
    }

    /// The part lost of the packets last judged.
    pub(super) fn last_loss(&self) -> f64 {
        self.last_loss
    }

    /// A probe has found room: the bound follows.
    pub(super) fn raise_to(&mut self, found_bps: f64) {
        self.bound_bps = self.bound_bps.map(|bound| bound.max(found_bps));
    }

    /// Takes what a feedback told: `lost` counts those missing, `recovered` those that came after having been missing.
    pub(super) fn update(
        &mut self,
        now: Time,
        (told, lost, recovered): (u32, u32, u32),
        target_bps: f64,
        acknowledged_bps: Option<f64>,
        round_trip: Duration,
    ) {
        self.told += told;
        self.lost = (self.lost + lost).saturating_sub(recovered);
        let since = *self.since.get_or_insert(now);
        let span = now.since(since);
        if self.told < MIN_PACKETS || span < MIN_SPAN {
            return;
        }
        let loss = f64::from(self.lost.min(self.told)) / f64::from(self.told);
        (self.told, self.lost, self.since) = (0, 0, Some(now));
        self.last_loss = loss;
        if loss > HIGH_LOSS {
            let is_answered = self.last_decrease.is_none_or(|last| now.since(last) >= round_trip + PAUSE);
            if is_answered {
                // Where a third is lost the path is overrun: it bears what arrives. Else what is lost tells by how much.
                let borne = acknowledged_bps
                    .filter(|_| loss > HEAVY_LOSS)
                    .map_or(f64::MAX, |arrived| arrived * BACK_OFF);
                self.bound_bps = Some((target_bps * (1.0 - 0.5 * loss)).min(borne));
                self.last_decrease = Some(now);
            }
        } else if loss <= LOW_LOSS {
            let seconds = span.min(Duration::from_secs(2)).as_secs_f64();
            // Where little is sent, that none of it is lost proves little.
            let proved = acknowledged_bps.map_or(f64::MAX, |arrived| arrived * APPLICATION_LIMIT);
            self.bound_bps = self.bound_bps.map(|bound| {
                // From the target: a bound far above it would come back too late.
                let bound = bound.min(target_bps * 2.0).max(target_bps);
                bound.max((bound * (1.0 + GROWTH_PER_SECOND).powf(seconds)).min(proved))
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RTT: Duration = Duration::from_millis(100);

    /// A hundred packets each half second.
    fn lose(bound: &mut LossBound, from: u64, rounds: u64, lost: u32, target: f64) -> Option<f64> {
        for round in from..from + rounds {
            bound.update(Time::from_millis(round * 500), (100, lost, 0), target, None, RTT);
        }
        bound.bound_bps()
    }

    #[test]
    fn little_loss_bounds_nothing() {
        let mut bound = LossBound::default();
        assert_eq!(lose(&mut bound, 0, 100, 2, 1e6), None);
        assert_eq!(lose(&mut bound, 100, 100, 9, 1e6), None);
    }

    #[test]
    fn much_loss_takes_half_its_part_from_the_target() {
        let mut bound = LossBound::default();
        assert_eq!(lose(&mut bound, 0, 2, 20, 1e6), Some(900e3));
        assert_eq!(bound.last_loss(), 0.2);
    }

    #[test]
    fn a_target_far_above_what_is_sent_sinks_to_what_the_path_bears() {
        let mut bound = LossBound::default();
        for round in 0..2 {
            bound.update(Time::from_millis(round * 500), (100, 50, 0), 8e6, Some(500e3), RTT);
        }
        assert_eq!(bound.bound_bps(), Some(425e3));
    }

    #[test]
    fn the_bound_grows_again_when_the_loss_ends() {
        let mut bound = LossBound::default();
        lose(&mut bound, 0, 2, 20, 1e6);
        assert_eq!(lose(&mut bound, 2, 4, 5, 900e3), Some(900e3), "held between the limits");
        let grown = lose(&mut bound, 6, 2, 0, 900e3).unwrap();
        assert!((970e3..973e3).contains(&grown), "{grown}");
    }

    #[test]
    fn the_bound_does_not_grow_beyond_what_a_quiet_application_proves() {
        let mut bound = LossBound::default();
        lose(&mut bound, 0, 2, 20, 1e6);
        for round in 2..200 {
            bound.update(Time::from_millis(round * 500), (100, 0, 0), 900e3, Some(40e3), RTT);
        }
        assert_eq!(bound.bound_bps(), Some(900e3));
    }

    #[test]
    fn what_arrives_after_all_was_not_lost() {
        let mut bound = LossBound::default();
        bound.update(Time::from_millis(0), (40, 30, 0), 1e6, None, RTT);
        bound.update(Time::from_millis(600), (60, 0, 30), 1e6, None, RTT);
        assert_eq!(bound.bound_bps(), None);
        assert_eq!(bound.last_loss(), 0.0);
    }
}
