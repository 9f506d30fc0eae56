//! The estimate of one transport: delay, loss and probes put together.

use std::time::Duration;

use visavis_wire::rtcp::TransportFeedback;

use super::acknowledged::Acknowledged;
use super::aimd::Aimd;
use super::arrival::InterArrival;
use super::cluster::ClusterId;
use super::history::{Outcome, SendHistory};
use super::loss::LossBound;
use super::probe_arrivals::{Finding, ProbeArrivals};
use super::trendline::{Trendline, Usage};
use crate::time::Time;

/// The round trip before one has been measured.
const FIRST_ROUND_TRIP: Duration = Duration::from_millis(200);

/// No probe for so long after the rate had to sink.
const CALM: Duration = Duration::from_secs(2);
/// No probe at a loss above this.
const PROBE_MAX_LOSS: f64 = 0.10;
/// What was seen of delay and loss so long ago forbids no probe: where nothing is sent any more, nothing new is seen.
const STALE: Duration = Duration::from_secs(2);

/// The bounds of a target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Config {
    pub start_bps: u64,
    pub min_bps: u64,
    pub max_bps: u64,
}

impl Default for Config {
    fn default() -> Config {
        Config { start_bps: 1_000_000, min_bps: 50_000, max_bps: 20_000_000 }
    }
}

/// Estimates from feedback what a transport may send.
#[derive(Debug)]
pub struct Estimator {
    config: Config,
    history: SendHistory,
    groups: InterArrival,
    trendline: Trendline,
    acknowledged: Acknowledged,
    aimd: Aimd,
    loss: LossBound,
    probe: Option<ProbeArrivals>,
    finding: Option<(ClusterId, Finding)>,
    /// The last packet compared belonged to a probe: its queue is the probe's own.
    is_delay_of_probe: bool,
    round_trip: Option<Duration>,
    /// When a packet was last told of as arrived.
    last_arrival: Option<Time>,
    outcomes: Vec<Outcome>,
}

impl Estimator {
    pub fn new(config: Config) -> Estimator {
        let Config { start_bps, min_bps, max_bps } = config;
        Estimator {
            config,
            history: SendHistory::default(),
            groups: InterArrival::default(),
            trendline: Trendline::default(),
            acknowledged: Acknowledged::default(),
            aimd: Aimd::new(start_bps as f64, min_bps as f64, max_bps.max(min_bps) as f64),
            loss: LossBound::default(),
            probe: None,
            finding: None,
            is_delay_of_probe: false,
            round_trip: None,
            last_arrival: None,
            outcomes: Vec::new(),
        }
    }

    /// A packet was sent. `sequence` is its transport-wide sequence number before it was cut to 16 bits, `size_bytes` its
    /// whole size with headers, `cluster` what the prober said of it.
    pub fn note_sent(&mut self, sequence: u64, now: Time, size_bytes: usize, cluster: Option<ClusterId>) {
        self.history.record(sequence, now, size_bytes, cluster);
    }

    /// A feedback packet came.
    pub fn handle_feedback_untrusted(&mut self, now: Time, feedback: &TransportFeedback<'_>) {
        let arrivals = self.history.arrivals(feedback);
        self.handle_arrivals(now, arrivals);
    }

    /// Feedback came: of each packet when it arrived, by the receiver's clock, or `None` if it is missing.
    pub fn handle_arrivals(&mut self, now: Time, arrivals: impl IntoIterator<Item = (u16, Option<Time>)>) {
        let mut outcomes = std::mem::take(&mut self.outcomes);
        outcomes.clear();
        outcomes.extend(
            arrivals.into_iter().filter_map(|(sequence, arrival)| self.history.resolve(sequence, arrival)),
        );
        outcomes.sort_by_key(|outcome| (outcome.arrival, outcome.sequence));
        self.judge(now, &outcomes);
        self.outcomes = outcomes;
    }

    fn judge(&mut self, now: Time, outcomes: &[Outcome]) {
        let mut shortest: Option<Duration> = None;
        let mut arrived = 0;
        // As of delay, packets of probes say nothing of loss: what overruns the path is the probe.
        let (mut told, mut lost, mut recovered) = (0, 0, 0);
        for outcome in outcomes {
            if outcome.cluster.is_none() {
                lost += u32::from(outcome.arrival.is_none());
                recovered += u32::from(outcome.was_missing);
                // What had been told as missing is not told of anew.
                told += u32::from(!outcome.was_missing);
            }
            self.follow_probe(outcome);
            let Some(arrival) = outcome.arrival else { continue };
            arrived += 1;
            let round_trip = now.since(outcome.sent);
            shortest = Some(shortest.map_or(round_trip, |shortest| shortest.min(round_trip)));
            self.acknowledged.add(arrival, outcome.size_bytes);
            self.follow_delay(outcome, arrival);
        }
        let round_trip = self.follow_round_trip(shortest);
        let acknowledged = self.acknowledged.bitrate_bps().map(|bitrate| bitrate as f64);
        self.loss.update(now, (told, lost, recovered), self.target(), acknowledged, round_trip);
        if arrived == 0 {
            return;
        }
        self.last_arrival = Some(now);
        self.aimd.update(now, self.trendline.usage(), acknowledged, round_trip);
        if outcomes.iter().any(|outcome| outcome.cluster.is_some()) {
            self.take_probe();
        }
    }

    /// Packets of probes are left out: a probe may fill a queue, which is its purpose and no congestion.
    fn follow_delay(&mut self, outcome: &Outcome, arrival: Time) {
        if outcome.cluster.is_some() {
            self.is_delay_of_probe = true;
            return;
        }
        if std::mem::take(&mut self.is_delay_of_probe) {
            self.groups = InterArrival::default();
            self.trendline.restart();
        }
        if let Some(delta) = self.groups.add(outcome.sent, arrival) {
            self.trendline.update(delta);
        }
    }

    fn follow_round_trip(&mut self, sample: Option<Duration>) -> Duration {
        if let Some(sample) = sample {
            let smoothed = self.round_trip.map_or(sample, |last| (last * 7 + sample) / 8);
            self.round_trip = Some(smoothed);
        }
        self.round_trip.unwrap_or(FIRST_ROUND_TRIP)
    }

    fn follow_probe(&mut self, outcome: &Outcome) {
        let Some(cluster) = outcome.cluster else { return };
        let probe = match &mut self.probe {
            Some(probe) if probe.cluster == cluster => probe,
            probe => probe.insert(ProbeArrivals::new(cluster)),
        };
        probe.add(outcome.sent, outcome.arrival, outcome.size_bytes, outcome.was_missing);
    }

    /// Takes at once what the probe has shown. Where the rate is no more than a guess still, less is believed too.
    fn take_probe(&mut self) {
        let Some(probe) = &self.probe else { return };
        let Some(finding) = probe.finding() else { return };
        self.finding = Some((probe.cluster, finding));
        // Where there is a queue, it has to drain before the path can be used to its limit.
        let is_queued = finding.is_saturated && self.trendline.usage() == Usage::Over;
        if finding.bps > self.target() {
            if is_queued {
                return;
            }
            self.aimd.raise_to(finding.bps);
            self.loss.raise_to(finding.bps);
        } else if probe.cluster.tries_guess && finding.is_saturated && self.loss.bound_bps().is_none() {
            self.aimd.correct_guess(finding.bps);
        }
    }

    /// What a probe has shown; `None` if nothing (yet).
    pub fn finding(&self, cluster: ClusterId) -> Option<Finding> {
        self.finding.filter(|(of, _)| *of == cluster).map(|(_, finding)| finding)
    }

    fn target(&self) -> f64 {
        let rate = self.aimd.rate_bps();
        let bounded = self.loss.bound_bps().map_or(rate, |bound| rate.min(bound));
        bounded.max(self.config.min_bps as f64)
    }

    /// What may be sent, all in all.
    pub fn target_bps(&self) -> u64 {
        self.target() as u64
    }

    /// Whether a probe would say something and harm nobody now.
    pub fn permits_probe(&self, now: Time) -> bool {
        let is_calm = |decrease: Option<Time>| decrease.is_none_or(|decrease| now.since(decrease) >= CALM);
        let is_good = self.trendline.usage() == Usage::Normal && self.loss.last_loss() <= PROBE_MAX_LOSS;
        let is_stale = self.last_arrival.is_none_or(|last| now.since(last) >= STALE);
        is_calm(self.aimd.last_sunk()) && is_calm(self.loss.last_decrease()) && (is_good || is_stale)
    }
}
