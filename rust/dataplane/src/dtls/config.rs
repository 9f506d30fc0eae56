//! How the engine is set up.

use std::sync::{Arc, LazyLock};
use std::time::Duration;

use dimpl::Config;

use super::alert;

/// Longer datagrams are thrown away: a record with all that it may hold, and what is around that.
pub const MAX_DATAGRAM: usize = MAX_RECORD + 64;

/// What one record holds (RFC 6347 section 4.1.1).
pub const MAX_RECORD: usize = 1 << 14;

/// Before the connection stands: no flight of a handshake is longer.
pub const MAX_HANDSHAKE_DATAGRAM: usize = 2048;

/// How many datagrams the engine keeps until it can use them.
const MAX_QUEUED: usize = 30;

/// The engine panics if a certificate does not fit into the buffer that it is given. A certificate comes out of what is
/// queued, so this buffer holds any.
pub(super) const OUTPUT_BUFFER: usize = 64 * 1024;
const _: () = assert!(MAX_QUEUED * MAX_HANDSHAKE_DATAGRAM <= OUTPUT_BUFFER);

/// And once it stands, this, until a record is longer.
pub(super) const RECORD_BUFFER: usize = 2048;

/// A peer that is not listening yet loses the first flight; the next one comes after this time, give or take a quarter,
/// and then after twice, four times ... as long.
const FIRST_RETRANSMISSION: Duration = Duration::from_millis(150);

/// Enough for the doubling to pass the time-out of the handshake, also when a peer's repetitions use some up.
const RETRANSMISSIONS: usize = 20;
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(30);

/// With no timer running, the engine names a deadline years ahead.
pub(super) const NEVER: Duration = Duration::from_secs(3_600);

/// The same for all; building it runs the cryptographic provider's self-test.
pub(super) static CONFIG: LazyLock<Arc<Config>> = LazyLock::new(|| {
    let config = Config::builder()
        .with_crypto_provider(alert::provider())
        .use_server_cookie(false)
        .require_client_certificate(true)
        .flight_start_rto(FIRST_RETRANSMISSION)
        .flight_retries(RETRANSMISSIONS)
        .handshake_timeout(HANDSHAKE_TIMEOUT)
        .max_queue_rx(MAX_QUEUED)
        .build();
    // Depends on nothing but the constants above and the provider that is compiled in.
    Arc::new(config.expect("the configuration is valid"))
});
