//! The highest rate that a server forwards with less than 1 % lost, and what it costs there and below.

use crate::job::{Cell, CellFigures, Figures, Forward, Pattern, Report};
use crate::run::{Conference, LOSS_ALLOWED};
use crate::{Result, cpu, vp8};

/// Where the search begins, in forwarded packets per second: far below what any server does.
const FIRST_PPS: f64 = 20_000.0;
const STEP: f64 = 1.2;
const RESOLUTION: f64 = 1.04;
const MIN_PPS: f64 = 1_000.0;
const MAX_PPS: f64 = 5_000_000.0;
const MAX_PROBES: usize = 24;
const CORRECTIONS: usize = 6;

pub fn forward(job: &Forward) -> Result<()> {
    if job.cells.iter().any(|cell| cell.pattern.size_bytes < vp8::MIN_BYTES || cell.pattern.burst == 0) {
        return Err(format!("packets have {} bytes at least and come by one at least", vp8::MIN_BYTES).into());
    }
    cpu::pin(job.cpu)?;
    let conference = Conference::connect(job)?;
    let mut search = Search { conference, job };
    job.cells.iter().try_for_each(|cell| search.cell(cell))?;
    match search.conference.broken() {
        0 => Ok(()),
        broken => Err(format!("{broken} packets could not be opened by the whole clients").into()),
    }
}

struct Search<'a> {
    conference: Conference,
    job: &'a Forward,
}

impl Search<'_> {
    fn cell(&mut self, cell: &Cell) -> Result<()> {
        let pattern = cell.pattern;
        let mut rate = self.saturating_rate(pattern)?;
        let mut saturation = self.median(pattern, rate)?;
        for _ in 0..CORRECTIONS {
            if saturation.loss < LOSS_ALLOWED {
                break;
            }
            rate /= RESOLUTION;
            saturation = self.median(pattern, rate)?;
        }
        let half = self.median(pattern, rate / 2.0)?;
        let at = cell.at_pps.iter().map(|rate| self.median(pattern, *rate)).collect::<Result<_>>()?;
        let subscribers = self.conference.subscribers();
        Report::Cell(Box::new(CellFigures { subscribers, pattern, saturation, half, at })).print()
    }

    /// Climbs by steps to the first rate that fails, then halves the interval until it is narrow.
    fn saturating_rate(&mut self, pattern: Pattern) -> Result<f64> {
        let first = self.window(pattern, FIRST_PPS, self.job.probe_s)?;
        // CPU per packet falls with load, so a server that is this dear at little load can do at least this at full load.
        let guess = 0.8 * FIRST_PPS / first.cpu_share.max(0.01);
        let mut low = if first.loss < LOSS_ALLOWED { FIRST_PPS } else { FIRST_PPS / 10.0 };
        let mut high = None;
        let mut next = guess.clamp(low * STEP, MAX_PPS);
        for _ in 0..MAX_PROBES {
            let probe = self.window(pattern, next, self.job.probe_s)?;
            if probe.loss < LOSS_ALLOWED && !probe.limited_by_load {
                low = next;
            } else {
                high = Some(next);
            }
            next = match high {
                None => low * STEP,
                Some(high) => (low * high).sqrt(),
            };
            if high.is_some_and(|high| high / low < RESOLUTION) || low >= MAX_PPS {
                break;
            }
        }
        Ok(low)
    }

    fn window(&mut self, pattern: Pattern, forwarded_pps: f64, seconds: f64) -> Result<Figures> {
        let published_pps = forwarded_pps.max(MIN_PPS) / self.conference.subscribers() as f64;
        self.conference.window(pattern, published_pps, seconds)
    }

    /// Of several windows, each figure's median; what must not happen at all is taken from the worst.
    fn median(&mut self, pattern: Pattern, forwarded_pps: f64) -> Result<Figures> {
        let windows: Vec<Figures> = (0..self.job.windows.max(1))
            .map(|_| self.window(pattern, forwarded_pps, self.job.window_s))
            .collect::<Result<_>>()?;
        let median = |figure: fn(&Figures) -> f64| {
            let mut values: Vec<f64> = windows.iter().map(figure).collect();
            values.sort_unstable_by(f64::total_cmp);
            values[values.len() / 2]
        };
        let worst = |figure: fn(&Figures) -> u64| windows.iter().map(figure).max().unwrap_or_default();
        Ok(Figures {
            forwarded_pps: median(|figures| figures.forwarded_pps),
            loss: median(|figures| figures.loss),
            cpu_us_per_packet: median(|figures| figures.cpu_us_per_packet),
            cpu_share: median(|figures| figures.cpu_share),
            delay_p50_us: median(|figures| figures.delay_p50_us),
            delay_p99_us: median(|figures| figures.delay_p99_us),
            gaps: worst(|figures| figures.gaps),
            resent: worst(|figures| figures.resent),
            key_frames_asked: worst(|figures| figures.key_frames_asked),
            load_idle: median(|figures| figures.load_idle),
            limited_by_load: windows.iter().filter(|figures| figures.limited_by_load).count() * 2
                > windows.len(),
            threads: windows.last().map(|figures| figures.threads.clone()).unwrap_or_default(),
        })
    }
}
