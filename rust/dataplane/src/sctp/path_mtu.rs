//! How long packets may be: path MTU discovery by probes (RFC 8899, "DPLPMTUD"; its section 6.2 is about SCTP).
//!
//! Sizes are those of datagrams, DTLS included. Nothing is longer than 1,200 bytes before a probe of that size has come back.
//! Probes are HEARTBEATs that a PAD chunk makes long (RFC 4820): they carry no data, so losing one costs nothing, and a peer
//! that does not answer them leaves everything as it is. The table of sizes is bisected, from what has passed and what has not.
//!
//! That longer packets do not pass any more is known by data: some of them, sent over more than a round trip, were lost, and
//! none that left later was delivered. Then 1,200 bytes are the size again. No chunk of data is longer than what fits those,
//! so what was on the way is sent again in shorter packets; fragments of IP are never needed for it.

use std::time::Duration;

use crate::time::Time;

/// BASE_PLPMTU (RFC 8899 section 5.1.2), and what RFC 8261 section 5 begins with.
pub const BASE: usize = 1_200;
/// Four of them fill a train of UDP segments; a DTLS record takes little more (RFC 6347 section 4.1.1).
pub const LARGEST: usize = 16_240;
/// What is tried. IPv4 takes 28 bytes of the path MTU, IPv6 48; a TURN channel 4.
const SIZES: [usize; 14] = [
    BASE, 1_232,   // The least of IPv6, 1,280.
    1_252,   // The same over IPv4.
    1_332,   // Tunnels in tunnels.
    1_372,   // WireGuard, 1,420, over IPv6.
    1_392,   // Over IPv4.
    1_440,   // PPPoE, 1,492, over IPv6, and by TURN.
    1_452,   // Ethernet over IPv6.
    1_468,   // Ethernet, by TURN.
    1_472,   // Ethernet.
    4_052,   // FDDI, and clouds that take as much.
    8_948,   // Jumbo frames, 9,000, over IPv6, and by TURN.
    8_972,   // Over IPv4.
    LARGEST, // Loopback.
];

/// Probes of a size that are lost before it counts as too long (MAX_PROBES, section 5.1.2).
const ATTEMPTS: u32 = 3;
/// PROBE_TIMER, where no round trip is known (section 5.1.1).
const FIRST_PATIENCE: Duration = Duration::from_secs(1);
/// PMTU_RAISE_TIMER (section 5.1.1).
const RAISE_AFTER: Duration = Duration::from_secs(600);
/// Long packets in a row that are lost before the path counts as a black hole for them.
const LOST_IN_A_ROW: u32 = 4;
/// How long the search waits after a black hole; each further one doubles it.
const FIRST_PAUSE: Duration = Duration::from_secs(1);

/// Section 5.2.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// The size is fixed, or the path takes any.
    Disabled,
    /// Whether the base passes is not known, and not asked before a packet is full.
    Base,
    Searching,
    SearchComplete {
        raise_at: Time,
    },
    /// Not even the base passes whole: it is sent in fragments of IP, if need be.
    Error {
        retry_at: Time,
    },
}

/// When the probe in hand leaves, or is lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    Wait(Time),
    Due,
    Sent { lost_at: Time },
}

/// Probes of one size.
#[derive(Clone, Copy, Debug)]
struct Trial {
    /// Its place in the table.
    place: usize,
    step: Step,
    sent: u32,
    /// The number of the first of them.
    first: u64,
}

/// A probe to be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Probe {
    /// The datagram's.
    pub size: usize,
    /// What its answer has to repeat.
    pub number: u64,
}

/// The search on one path.
#[derive(Clone, Debug)]
pub struct PathMtu {
    /// What is sent while nothing better is known.
    base: usize,
    is_fixed: bool,
    state: State,
    /// The longest of the table that passed, and the shortest that did not.
    passed: usize,
    failed: usize,
    trial: Option<Trial>,
    numbers: u64,
    long_lost: u32,
    first_lost_at: Time,
    /// When the newest that was delivered of the long packets was sent.
    delivered_at: Option<Time>,
    /// How long the search waits after the next black hole, and when the last was.
    pause: Duration,
    fell_at: Time,
}

impl PathMtu {
    /// A search, or a fixed size.
    pub fn new(now: Time, fixed: Option<usize>, may_probe: bool) -> PathMtu {
        PathMtu {
            base: fixed.unwrap_or(BASE),
            is_fixed: fixed.is_some(),
            state: if fixed.is_none() && may_probe { State::Base } else { State::Disabled },
            passed: 0,
            failed: SIZES.len(),
            trial: None,
            numbers: 0,
            long_lost: 0,
            first_lost_at: now,
            delivered_at: None,
            pause: FIRST_PAUSE,
            fell_at: now,
        }
    }

    /// Another path: begins anew. `may_probe`: it is one of datagrams that somebody could be too long for.
    pub fn restart(&mut self, now: Time, may_probe: bool) {
        let fixed = self.is_fixed.then_some(self.base);
        // Answers to what was asked on the old path are none.
        *self = PathMtu { numbers: self.numbers, ..PathMtu::new(now, fixed, may_probe) };
    }

    /// The longest datagram that may carry data.
    pub fn current(&self) -> usize {
        match self.state {
            State::Searching | State::SearchComplete { .. } => size(self.passed),
            State::Disabled | State::Base | State::Error { .. } => self.base,
        }
    }

    /// The longest while nothing is known; chunks of data have to fit.
    pub fn base(&self) -> usize {
        self.base
    }

    /// Whether datagrams have to arrive as they leave: IP must not cut them.
    pub fn forbids_fragments(&self) -> bool {
        match self.state {
            State::Searching | State::SearchComplete { .. } => true,
            State::Base => self.trial.is_some(),
            State::Disabled | State::Error { .. } => false,
        }
    }

    /// A packet was as long as may be, and there is more to send: longer ones would serve.
    pub fn on_full_packet(&mut self, now: Time) {
        match self.state {
            State::Base if self.trial.is_none() => self.begin_base(Step::Due),
            State::SearchComplete { raise_at } if raise_at <= now => {
                self.failed = SIZES.len();
                self.search(now);
            }
            State::Error { retry_at } if retry_at <= now => self.begin_base(Step::Due),
            _ => (),
        }
    }

    /// The probe that is due; it counts as lost after `patience`, the retransmission time-out where a round trip is known.
    pub fn take_probe(&mut self, now: Time, patience: Option<Duration>) -> Option<Probe> {
        let trial = self.trial.as_mut().filter(|trial| trial.step == Step::Due)?;
        trial.step = Step::Sent { lost_at: now + patience.unwrap_or(FIRST_PATIENCE) };
        let number = self.numbers;
        self.numbers += 1;
        if trial.sent == 0 {
            trial.first = number;
        }
        trial.sent += 1;
        Some(Probe { size: size(trial.place), number })
    }

    pub fn poll_timeout(&self) -> Option<Time> {
        match self.trial?.step {
            Step::Wait(until) => Some(until),
            Step::Due => None,
            Step::Sent { lost_at } => Some(lost_at),
        }
    }

    pub fn handle_timeout(&mut self, now: Time) {
        let Some(trial) = &mut self.trial else { return };
        match trial.step {
            Step::Wait(until) if until <= now => trial.step = Step::Due,
            Step::Sent { lost_at } if lost_at <= now => {
                if trial.sent < ATTEMPTS {
                    trial.step = Step::Due;
                } else {
                    self.fail(now);
                }
            }
            _ => (),
        }
    }

    /// The peer has answered a probe, by its number. Which of the repetitions it was says nothing.
    pub fn handle_answer_untrusted(&mut self, now: Time, number: u64) {
        let Some(trial) = self.trial else { return };
        if trial.sent == 0 || number < trial.first || number >= self.numbers {
            return;
        }
        self.passed = trial.place;
        self.search(now);
    }

    /// This machine itself sends no datagram of so many bytes: a probe need not be repeated, and a path that was longer is
    /// another now.
    pub fn handle_refusal(&mut self, now: Time, bytes: usize) {
        let is_probe = |trial: Trial| bytes >= size(trial.place) && trial.sent > 0;
        if self.trial.is_some_and(is_probe) {
            self.fail(now);
        } else if bytes > self.base && bytes <= self.current() {
            self.fall(now);
        }
    }

    /// A packet that was longer than the base was delivered; when it had been sent.
    pub fn on_delivered(&mut self, sent_at: Time) {
        if self.delivered_at.is_none_or(|newest| newest < sent_at) {
            self.delivered_at = Some(sent_at);
            self.long_lost = 0;
        }
    }

    /// One was lost; `round` is how long an answer takes.
    pub fn on_lost(&mut self, now: Time, sent_at: Time, round: Duration) {
        if self.current() <= self.base || self.delivered_at.is_some_and(|newest| sent_at <= newest) {
            return;
        }
        if self.long_lost == 0 {
            self.first_lost_at = sent_at;
        }
        self.long_lost += 1;
        if self.long_lost >= LOST_IN_A_ROW && sent_at.since(self.first_lost_at) > round {
            self.fall(now);
        }
    }

    fn begin_base(&mut self, step: Step) {
        (self.state, self.passed, self.failed) = (State::Base, 0, SIZES.len());
        self.trial = Some(Trial { place: 0, step, sent: 0, first: 0 });
    }

    /// The next size, half-way between what passed and what did not.
    fn search(&mut self, now: Time) {
        if self.passed + 1 >= self.failed {
            self.state = State::SearchComplete { raise_at: now + RAISE_AFTER };
            self.trial = None;
            return;
        }
        self.state = State::Searching;
        let place = usize::midpoint(self.passed, self.failed);
        self.trial = Some(Trial { place, step: Step::Due, sent: 0, first: 0 });
    }

    /// What is tried is too long.
    fn fail(&mut self, now: Time) {
        let Some(trial) = self.trial.take() else { return };
        if self.state == State::Base {
            self.state = State::Error { retry_at: now + RAISE_AFTER };
        } else {
            self.failed = trial.place;
            self.search(now);
        }
    }

    /// What passed does so no more (section 4.3).
    fn fall(&mut self, now: Time) {
        if now.since(self.fell_at) > RAISE_AFTER {
            self.pause = FIRST_PAUSE;
        }
        self.begin_base(Step::Wait(now + self.pause));
        (self.long_lost, self.delivered_at, self.fell_at) = (0, None, now);
        self.pause = (2 * self.pause).min(RAISE_AFTER);
    }
}

fn size(place: usize) -> usize {
    SIZES.get(place).copied().unwrap_or(BASE)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATIENCE: Duration = Duration::from_millis(300);
    const ROUND: Duration = Duration::from_millis(50);

    fn at(milliseconds: u64) -> Time {
        Time::from_millis(milliseconds)
    }

    /// Lets probes pass that are not longer than `mtu`, until the search has no more of them; what was sent, and when it was over.
    fn search(path: &mut PathMtu, mut now: Time, mtu: usize) -> (Vec<usize>, Time) {
        let mut sent = Vec::new();
        while path.trial.is_some() {
            if let Some(probe) = path.take_probe(now, Some(PATIENCE)) {
                sent.push(probe.size);
                if probe.size <= mtu {
                    now = now + ROUND;
                    path.handle_answer_untrusted(now, probe.number);
                    continue;
                }
            }
            now = path.poll_timeout().unwrap();
            path.handle_timeout(now);
        }
        (sent, now)
    }

    fn begun() -> PathMtu {
        let mut path = PathMtu::new(at(0), None, true);
        path.on_full_packet(at(0));
        path
    }

    #[test]
    fn the_table_ascends_and_is_found_out_size_by_size() {
        assert!(SIZES.is_sorted_by(|a, b| a < b));
        for (mtu, found) in [(1_200, 1_200), (1_251, 1_232), (1_472, 1_472), (1_500, 1_472), (9_000, 8_972)] {
            let mut path = begun();
            let (sent, _) = search(&mut path, at(0), mtu);
            assert_eq!(path.current(), found, "{sent:?}");
            assert!(matches!(path.state, State::SearchComplete { .. }));
        }
        let mut path = begun();
        assert_eq!(search(&mut path, at(0), usize::MAX).0.len(), 5, "one each for base and bisection");
        assert_eq!(path.current(), LARGEST);
    }

    #[test]
    fn nothing_is_asked_before_a_packet_is_full_nor_of_a_fixed_size_or_a_stream() {
        let mut idle = PathMtu::new(at(0), None, true);
        assert_eq!((idle.take_probe(at(0), None), idle.poll_timeout()), (None, None));
        assert!(!idle.forbids_fragments());
        for (fixed, may_probe, size) in [(Some(1_300), true, 1_300), (None, false, BASE)] {
            let mut path = PathMtu::new(at(0), fixed, may_probe);
            path.on_full_packet(at(0));
            assert_eq!((path.take_probe(at(0), None), path.current()), (None, size));
            path.restart(at(0), may_probe);
            assert_eq!(path.current(), size);
            assert!(!path.forbids_fragments());
        }
    }

    #[test]
    fn what_a_peer_answers_unasked_counts_for_nothing() {
        let mut path = begun();
        path.handle_answer_untrusted(at(0), 0);
        assert_eq!(path.state, State::Base, "it was not sent yet");
        let probe = path.take_probe(at(0), None).unwrap();
        for number in [probe.number + 1, u64::MAX] {
            path.handle_answer_untrusted(at(1), number);
        }
        assert_eq!(path.state, State::Base);
        path.handle_answer_untrusted(at(1), probe.number);
        assert_eq!(path.state, State::Searching);
        let next = path.take_probe(at(1), None).unwrap();
        path.handle_answer_untrusted(at(2), probe.number);
        assert_eq!(path.current(), BASE, "that was of another size");
        path.restart(at(3), true);
        path.on_full_packet(at(3));
        path.take_probe(at(3), None).unwrap();
        path.handle_answer_untrusted(at(4), next.number);
        assert_eq!(path.state, State::Base, "that was of another path");
    }

    #[test]
    fn a_probe_is_lost_three_times_before_its_size_is_too_long() {
        let mut path = begun();
        let probe = path.take_probe(at(0), None).unwrap();
        path.handle_answer_untrusted(at(10), probe.number);
        let mut sent = Vec::new();
        for _ in 0..ATTEMPTS {
            sent.push(path.take_probe(at(10), Some(PATIENCE)).unwrap());
            assert_eq!(path.take_probe(at(10), Some(PATIENCE)), None, "one at a time");
            path.handle_timeout(at(309));
            assert_eq!(path.take_probe(at(309), Some(PATIENCE)), None);
            if sent.len() < 3 {
                path.handle_timeout(at(310));
            }
        }
        assert!(sent.iter().all(|probe| probe.size == sent[0].size), "{sent:?}");
        let late = path.clone();
        path.handle_answer_untrusted(at(310), sent[0].number);
        assert_eq!(path.current(), sent[0].size, "a late answer is one");
        let mut path = late;
        path.handle_timeout(at(310));
        assert!(path.take_probe(at(310), None).unwrap().size < sent[0].size);
    }

    #[test]
    fn what_the_machine_refuses_is_not_tried_again() {
        let mut path = begun();
        let mut sent = Vec::new();
        while let Some(probe) = path.take_probe(at(0), None) {
            sent.push(probe.size);
            if probe.size > 1_472 {
                path.handle_refusal(at(0), probe.size);
            } else {
                path.handle_answer_untrusted(at(0), probe.number);
            }
        }
        assert_eq!(path.current(), 1_472);
        let mut unique = sent.clone();
        unique.dedup();
        assert_eq!(sent, unique);
        path.handle_refusal(at(1), 1_200);
        path.handle_refusal(at(1), 3_000);
        assert_eq!(path.current(), 1_472, "neither was data of this association");
        path.handle_refusal(at(1), 1_460);
        assert_eq!(path.current(), BASE);
    }

    #[test]
    fn without_an_answer_to_the_base_fragments_are_permitted_and_it_is_asked_again_later() {
        let mut path = begun();
        assert!(path.forbids_fragments());
        let (sent, now) = search(&mut path, at(0), 1_000);
        assert_eq!(sent, [BASE; 3]);
        assert_eq!(path.current(), BASE);
        assert!(!path.forbids_fragments());
        path.on_full_packet(now + RAISE_AFTER - PATIENCE);
        assert_eq!(path.trial.map(|trial| trial.place), None);
        path.on_full_packet(now + RAISE_AFTER);
        search(&mut path, now + RAISE_AFTER, 1_472);
        assert_eq!(path.current(), 1_472);
    }

    #[test]
    fn a_black_hole_is_long_packets_lost_in_a_row_over_more_than_a_round_trip() {
        let mut path = begun();
        let (_, now) = search(&mut path, at(0), 1_472);
        let sent = |n: u64| now + Duration::from_millis(20 * n);
        for n in 0..20 {
            // Bursts, and losses between what is delivered, are none.
            path.on_lost(sent(n), sent(0), ROUND);
        }
        path.on_delivered(sent(1));
        for n in 2..40 {
            path.on_lost(sent(n), sent(n), ROUND);
            if n % 3 == 0 {
                path.on_delivered(sent(n));
            }
        }
        path.on_delivered(sent(50));
        for n in 40..50 {
            path.on_lost(sent(60), sent(n), ROUND);
        }
        assert_eq!(path.current(), 1_472);
        for n in 51..55 {
            assert_eq!(path.current(), 1_472);
            path.on_lost(sent(60), sent(n), ROUND);
        }
        assert_eq!(path.current(), BASE);
        let (sent, _) = search(&mut path, sent(60), 1_300);
        assert_eq!((sent[0], path.current()), (BASE, 1_252));
    }

    #[test]
    fn each_black_hole_doubles_the_pause_before_the_next_search() {
        let mut path = begun();
        let (_, mut now) = search(&mut path, at(0), 1_472);
        for pause in [1, 2, 4, 8] {
            path.handle_refusal(now, 1_472);
            assert_eq!(path.poll_timeout(), Some(now + Duration::from_secs(pause)));
            (_, now) = search(&mut path, now, 1_472);
        }
        now = now + RAISE_AFTER;
        path.handle_refusal(now, 1_472);
        assert_eq!(path.poll_timeout(), Some(now + FIRST_PAUSE));
    }

    #[test]
    fn a_path_that_takes_more_is_found_when_the_raise_timer_is_over() {
        let mut path = begun();
        let (_, now) = search(&mut path, at(0), 1_252);
        path.on_full_packet(now + RAISE_AFTER - ROUND);
        assert!(path.trial.is_none());
        path.on_full_packet(now + RAISE_AFTER);
        search(&mut path, now + RAISE_AFTER, 8_972);
        assert_eq!(path.current(), 8_972);
    }
}
