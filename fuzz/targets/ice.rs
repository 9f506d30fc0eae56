//! Commands, datagrams and silences as the bytes say them, to the ICE of one shard.
#![no_main]

#[path = "../../rust/dataplane/tests/any_ice/drive.rs"]
mod drive;

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    drive::drive(data);
});
