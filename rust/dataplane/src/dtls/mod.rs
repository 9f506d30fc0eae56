//! DTLS-SRTP (RFC 5763, RFC 5764), over the sans-IO engine of dimpl: DTLS 1.2 and 1.3.
//!
//! An [`Endpoint`] is one association. It gives keys for SRTP only after the peer has proved to hold the certificate whose
//! fingerprint was signalled (RFC 5763 section 5); anything else ends it with [`Event::Failed`].
//!
//! **Which SRTP profile wins.** GCM costs a third less than AES-CM with HMAC-SHA1, so it must win wherever it can:
//!
//! | this end | version | who chooses | result |
//! |---|---|---|---|
//! | server | 1.2 | the engine: AES-256-GCM, AES-128-GCM, AES-CM, in this order | GCM if offered |
//! | server | 1.3 | the engine: the client's first known profile | GCM if it comes first |
//! | client | both | the peer, out of AES-256-GCM, AES-128-GCM, AES-CM, offered in this order | as the peer likes |
//!
//! So a server reads the ClientHello first: it speaks 1.3 with a client that lists GCM first or not at all, and 1.2 with
//! one that lists AES-CM before GCM, as Chromium does. As client nothing can be steered: where there is a choice, be the
//! server. Neither can be which of the two GCMs wins: 256 in 1.2, the client's first in 1.3.
//!
//! No cookies are exchanged (RFC 6347 section 4.2.1, RFC 9147 section 5.1): DTLS is only spoken with addresses that ICE has
//! validated, which is what a cookie would prove, at the price of a round trip. Pre-shared keys are not configured, hence
//! neither offered nor accepted. There is no resumption and no renegotiation.

mod alert;
mod certificate;
mod config;
mod endpoint;
mod fingerprint;
mod hello;
mod keys;
mod received;
#[cfg(test)]
mod tests;

pub use certificate::{Certificate, CertificateError, Curve};
pub use config::{MAX_DATAGRAM, MAX_HANDSHAKE_DATAGRAM};
pub use endpoint::{Discarded, Endpoint, Event};
pub use keys::Keys;
pub use received::Received;
