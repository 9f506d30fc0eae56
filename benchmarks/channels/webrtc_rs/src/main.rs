//! One end of a measured pair with webrtc-rs' data channels; benchmarks/channels/end.py has the protocol.

mod end;
mod idle;
mod large_buffers;

use std::process::ExitCode;
use std::sync::Arc;
use std::time::Instant;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, BufReader};

use end::End;

pub type Result<T> = std::result::Result<T, Box<dyn std::error::Error + Send + Sync>>;

#[derive(Clone, Debug, Deserialize)]
pub struct Job {
    pub size_bytes: usize,
    pub channels: usize,
    pub ping_pause_s: f64,
    pub pairs: usize,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Line {
    Sdp(String),
    Do(Command),
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Command {
    Send,
    Ping,
    RoundTrips,
    Count,
}

#[tokio::main]
async fn main() -> ExitCode {
    match run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

async fn run() -> Result<()> {
    let [_, role, job] =
        std::env::args().collect::<Vec<_>>().try_into().map_err(|_| "a role and a job are needed")?;
    let job: Job = serde_json::from_str(&job)?;
    if role == "idle" {
        let resident = idle::resident(&job).await?;
        return say(&json!({ "resident": resident }));
    }
    let is_offerer = role == "offer";
    let end = Arc::new(End::new(job).await?);
    if is_offerer {
        say(&json!({ "sdp": end.offer().await? }))?;
    }
    let began = Instant::now();
    let mut lines = BufReader::new(tokio::io::stdin()).lines();
    while let Some(line) = lines.next_line().await? {
        if let Some(said) = carry_out(&end, is_offerer, serde_json::from_str(&line)?, began).await? {
            say(&said)?;
        }
    }
    // Closing politely would ask for a peer that may be gone.
    std::process::exit(0)
}

/// Gives what is to be said.
async fn carry_out(end: &Arc<End>, is_offerer: bool, line: Line, began: Instant) -> Result<Option<Value>> {
    Ok(match line {
        Line::Sdp(sdp) if is_offerer => {
            end.take_answer(sdp).await?;
            Some(json!({ "open": true }))
        }
        Line::Sdp(sdp) => Some(json!({ "sdp": end.answer(sdp).await? })),
        Line::Do(Command::Send) => {
            end.send_bulk();
            None
        }
        Line::Do(Command::Ping) => {
            end.send_pings();
            None
        }
        Line::Do(Command::RoundTrips) => Some(json!({ "round_trips_s": end.take_round_trips() })),
        Line::Do(Command::Count) => {
            Some(json!({ "messages": end.messages(), "at_s": began.elapsed().as_secs_f64() }))
        }
    })
}

fn say(message: &impl Serialize) -> Result<()> {
    println!("{}", serde_json::to_string(message)?);
    Ok(())
}
