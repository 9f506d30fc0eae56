//! Load for the benchmarks. A job comes as JSON on standard input, results go to standard output, one JSON object a line.
//!
//! `forward` is a whole conference without the pictures: one publisher and N subscribers against a running SFU.
//! `limit` is what the machine could do at best: the same packets sealed and sent, and nothing decided.
//! `seal` is AES-GCM alone. `bulk` is the limit of data channels.

mod bulk;
mod client;
mod cpu;
mod feedback;
mod http;
mod job;
mod limit;
mod publisher;
mod run;
mod sdp;
mod search;
mod srtp;
mod stun;
mod subscriber;
mod udp;
mod vp8;

use std::io;
use std::process::ExitCode;

use job::Job;

pub type Result<T> = std::result::Result<T, Box<dyn std::error::Error + Send + Sync>>;

fn main() -> ExitCode {
    let done = serde_json::from_reader(io::stdin().lock()).map_err(Into::into).and_then(|job| match job {
        Job::Forward(job) => search::forward(&job),
        Job::Limit(job) => limit::limit(&job),
        Job::Seal(job) => limit::seal(&job),
        Job::Bulk(job) => bulk::limit(&job),
    });
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}
