//! The one clock: monotonic, with the wall clock noted once.

use std::time::{Instant, SystemTime, UNIX_EPOCH};

use visavis_dataplane::Time;

/// Seconds from 1900, where NTP begins, to 1970.
const NTP_TO_UNIX_S: u64 = 2_208_988_800;

/// The driver's monotonic clock: all threads of a plane share its zero.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    zero: Instant,
    ntp_at_zero: u64,
}

impl Clock {
    /// A clock that starts now.
    pub fn start() -> Clock {
        let unix = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let seconds = unix.as_secs().wrapping_add(NTP_TO_UNIX_S) & 0xffff_ffff;
        let fraction = (u64::from(unix.subsec_nanos()) << 32) / 1_000_000_000;
        Clock { zero: Instant::now(), ntp_at_zero: seconds << 32 | fraction }
    }

    pub fn now(&self) -> Time {
        Time::from_nanos(u64::try_from(self.zero.elapsed().as_nanos()).unwrap_or(u64::MAX))
    }

    /// The instant at `Time::ZERO`, for libraries that reckon in instants.
    pub fn zero(&self) -> Instant {
        self.zero
    }

    /// The wall clock at `Time::ZERO` as NTP time (RFC 3550 section 4).
    pub fn ntp_at_zero(&self) -> u64 {
        self.ntp_at_zero
    }
}
