//! Any bytes, read by the same checks as the seeded tests of `visavis-wire`.
#![no_main]

#[path = "../../rust/wire/tests/wire/read_all.rs"]
#[allow(dead_code, reason = "the other targets use the rest")]
mod read_all;

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    read_all::sctp(data);
});
