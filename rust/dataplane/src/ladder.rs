//! Policy as data: which of a subscriber's streams fit its network (the ladder is Python's, the climbing is done here).

use crate::api::{ForwardReason, Rung, SlotId};

/// What the data plane knows of one slot when it climbs.
#[derive(Clone, Copy, Debug)]
pub struct SlotView<'a> {
    pub slot: SlotId,
    pub has_track: bool,
    /// Measured bits a second of each layer; 0 for a layer without packets.
    pub layer_bps: &'a [u64],
    /// What it forwards now.
    pub current: Option<u8>,
    /// Its sender makes of it what fits, and would make so many bits a second of it.
    pub adapts: Option<u64>,
}

/// What a slot shall forward.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Decision {
    pub slot: SlotId,
    pub layer: Option<u8>,
    pub reason: ForwardReason,
    /// What it costs, bits a second.
    pub bps: u64,
}

/// What is new must leave a tenth of the estimate free.
const ENTER_PERCENT: u64 = 90;

/// How far what is already forwarded may exceed the estimate, in percent of it. Without a distance to `ENTER_PERCENT` a
/// stream at the edge would come and go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Patience {
    /// The shortage is fresh. An estimator answers a hiccup of the path as it answers congestion, by a step down; if
    /// it was a hiccup it comes back, if not it takes more such steps.
    Fresh,
    /// It has lasted.
    Spent,
}

impl Patience {
    fn stay_percent(self) -> u64 {
        match self {
            Patience::Fresh => 170,
            Patience::Spent => 105,
        }
    }
}

/// Climbs the ladder from its first rung as long as the sum fits `estimate_bps` (None: no estimate, everything fits).
///
/// A rung for a slot that already has a lower layer replaces it, for the difference. A rung that does not fit ends the
/// climb of its slot only: a cheaper one further up may still fit. One whose sender adapts always does: not to send it would
/// leave nothing to adapt. Appends one decision per slot to `decisions`, in the order of `slots`, which are sorted by their
/// identifier. Returned is the estimate with which all rungs would fit, and all who adapt have what they want: their cost, and
/// while some do not fit, what must be left free for these to come.
pub fn climb(
    rungs: &[Rung],
    slots: &[SlotView<'_>],
    estimate_bps: Option<u64>,
    patience: Patience,
    decisions: &mut Vec<Decision>,
) -> u64 {
    let first = decisions.len();
    for view in slots {
        let reason = if view.has_track { ForwardReason::NotShown } else { ForwardReason::NoTrack };
        decisions.push(Decision { slot: view.slot, layer: None, reason, bps: 0 });
    }
    let mut spent = 0u64;
    let mut wanted = 0u64;
    let mut refused = false;
    for rung in rungs {
        let Ok(index) = slots.binary_search_by_key(&rung.slot, |view| view.slot) else { continue };
        let (view, decision) = (&slots[index], &mut decisions[first + index]);
        if !view.has_track {
            continue;
        }
        let layer =
            (0..=rung.layer).rev().find(|&l| view.layer_bps.get(usize::from(l)).is_some_and(|&b| b > 0));
        let Some(layer) = layer else {
            if decision.layer.is_none() {
                decision.reason = ForwardReason::NoMedia;
            }
            continue;
        };
        let bps = view.layer_bps[usize::from(layer)];
        let more = bps.saturating_sub(decision.bps);
        wanted += more;
        let stays = view.current.is_some_and(|current| current >= layer);
        let percent = if stays { patience.stay_percent() } else { ENTER_PERCENT };
        let fits = |estimate: u64| spent + more <= estimate.saturating_mul(percent) / 100;
        if view.adapts.is_some() || estimate_bps.is_none_or(fits) {
            spent += more;
            *decision = Decision { slot: rung.slot, layer: Some(layer), reason: ForwardReason::Ok, bps };
        } else {
            refused = true;
            if decision.layer.is_none() {
                decision.reason = ForwardReason::Bandwidth;
            }
        }
    }
    let adaptive = slots.iter().zip(&decisions[first..]).filter(|(_, decision)| decision.layer.is_some());
    let growth: u64 =
        adaptive.map(|(view, decision)| view.adapts.unwrap_or(0).saturating_sub(decision.bps)).sum();
    let needed = if refused { wanted.saturating_mul(100).div_ceil(ENTER_PERCENT) + 1 } else { wanted };
    needed + growth
}

#[cfg(test)]
mod tests {
    use super::*;

    fn view(slot: u16, layer_bps: &[u64]) -> SlotView<'_> {
        SlotView { slot: SlotId(slot), has_track: true, layer_bps, current: None, adapts: None }
    }

    fn rung(slot: u16, layer: u8) -> Rung {
        Rung { slot: SlotId(slot), layer }
    }

    fn layers(
        rungs: &[Rung],
        slots: &[SlotView<'_>],
        estimate: Option<u64>,
    ) -> Vec<(Option<u8>, ForwardReason)> {
        let mut decisions = Vec::new();
        climb(rungs, slots, estimate, Patience::Spent, &mut decisions);
        decisions.iter().map(|decision| (decision.layer, decision.reason)).collect()
    }

    use ForwardReason::{Bandwidth, NoMedia, NoTrack, NotShown, Ok};

    #[test]
    fn everything_fits_where_nothing_is_known_of_the_network() {
        let slots = [view(1, &[32_000]), view(2, &[2_000_000])];
        assert_eq!(layers(&[rung(1, 0), rung(2, 0)], &slots, None), [(Some(0), Ok), (Some(0), Ok)]);
    }

    #[test]
    fn video_is_dropped_before_audio_as_the_ladder_says() {
        let slots = [view(1, &[32_000]), view(2, &[2_000_000]), view(3, &[32_000])];
        let ladder = [rung(1, 0), rung(3, 0), rung(2, 0)];
        assert_eq!(layers(&ladder, &slots, Some(500_000)), [(Some(0), Ok), (None, Bandwidth), (Some(0), Ok)]);
    }

    #[test]
    fn a_cheaper_rung_behind_one_that_is_too_dear_still_fits() {
        let slots = [view(1, &[2_000_000]), view(2, &[300_000])];
        assert_eq!(
            layers(&[rung(1, 0), rung(2, 0)], &slots, Some(500_000)),
            [(None, Bandwidth), (Some(0), Ok)]
        );
    }

    #[test]
    fn layers_are_climbed_one_rung_at_a_time() {
        let slots = [view(1, &[100_000, 400_000, 1_500_000]), view(2, &[100_000, 400_000, 1_500_000])];
        let ladder = [rung(1, 0), rung(2, 0), rung(1, 1), rung(2, 1), rung(1, 2), rung(2, 2)];
        assert_eq!(layers(&ladder, &slots, Some(1_000_000)), [(Some(1), Ok), (Some(1), Ok)]);
        assert_eq!(layers(&ladder, &slots, Some(600_000)), [(Some(1), Ok), (Some(0), Ok)]);
    }

    #[test]
    fn what_is_forwarded_stays_a_little_longer_than_it_would_have_come() {
        let current = SlotView { current: Some(0), ..view(1, &[1_000_000]) };
        assert_eq!(layers(&[rung(1, 0)], &[current], Some(960_000)), [(Some(0), Ok)]);
        assert_eq!(layers(&[rung(1, 0)], &[view(1, &[1_000_000])], Some(960_000)), [(None, Bandwidth)]);
    }

    #[test]
    fn a_hiccup_of_the_path_drops_nothing_and_a_breakdown_does() {
        let current = SlotView { current: Some(0), ..view(1, &[1_000_000]) };
        let reason = |estimate| {
            let mut decisions = Vec::new();
            climb(&[rung(1, 0)], &[current], Some(estimate), Patience::Fresh, &mut decisions);
            decisions[0].reason
        };
        assert_eq!((reason(850_000), reason(600_000), reason(500_000)), (Ok, Ok, Bandwidth));
    }

    #[test]
    fn what_adapts_is_sent_however_little_fits_and_leaves_the_rest_to_others() {
        let adaptive = SlotView { adapts: Some(2_500_000), ..view(1, &[800_000]) };
        let slots = [adaptive, view(2, &[100_000]), view(3, &[300_000])];
        let (ladder, mut decisions) = ([rung(1, 0), rung(2, 0), rung(3, 0)], Vec::new());
        let wanted = climb(&ladder, &slots, Some(1_100_000), Patience::Spent, &mut decisions);
        assert_eq!(
            decisions.iter().map(|decision| decision.layer).collect::<Vec<_>>(),
            [Some(0), Some(0), None]
        );
        assert!(wanted >= 2_500_000 + 100_000 + 300_000, "it is probed for");
        assert_eq!(layers(&ladder, &slots, Some(50_000))[0], (Some(0), Ok));
    }

    #[test]
    fn what_is_wanted_is_an_estimate_with_which_all_would_come() {
        let slots = [view(1, &[32_000]), view(2, &[999_999])];
        let ladder = [rung(1, 0), rung(2, 0)];
        let climb = |estimate| {
            let mut decisions = Vec::new();
            let wanted = climb(&ladder, &slots, Some(estimate), Patience::Spent, &mut decisions);
            (wanted, decisions[1].layer)
        };
        let (wanted, refused) = climb(1_100_000);
        assert_eq!((refused, climb(wanted)), (None, (1_031_999, Some(0))));
        assert_eq!(climb(wanted - 3).1, None, "and no more than needed");
    }

    #[test]
    fn each_silence_has_its_reason() {
        let empty = SlotView { has_track: false, ..view(3, &[]) };
        let slots = [view(1, &[0]), view(2, &[9]), empty];
        assert_eq!(
            layers(&[rung(1, 0), rung(3, 0)], &slots, None),
            [(None, NoMedia), (None, NotShown), (None, NoTrack)]
        );
    }
}
