//! A path between two programs on this machine, in real time. Each sends to a socket of the path instead of to the other.
//!
//! JSON lines on standard input and output: first the path, with the address of the one end; it answers with its two
//! sockets, of which each is to be told to one end as the other's address. Then the address of the other end, which may be
//! known only now. It ends when its standard input does.

mod link;
mod wait;

use std::io::{self, BufRead};
use std::net::{SocketAddr, UdpSocket};
use std::process::ExitCode;
use std::thread;
use std::time::{Duration, Instant};

use serde::Deserialize;
use serde_json::json;

use link::{Link, Settings};

type Result<T> = std::result::Result<T, Box<dyn std::error::Error + Send + Sync>>;

const DATAGRAM_BYTES: usize = 65_536;

#[derive(Debug, Deserialize)]
struct Path {
    end: SocketAddr,
    capacity_mbps: f64,
    /// There and back.
    round_trip_ms: f64,
    queue_bytes: usize,
    /// Of packets in each direction.
    loss: f64,
    seed: u64,
}

#[derive(Debug, Deserialize)]
struct OtherEnd {
    end: SocketAddr,
}

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<()> {
    let mut lines = io::stdin().lock().lines();
    let path: Path = serde_json::from_str(&lines.next().ok_or("a path is needed")??)?;
    let sockets = [wait::open(path.end.ip())?, wait::open(path.end.ip())?];
    println!(
        "{}",
        json!({ "facing_end": sockets[0].local_addr()?, "facing_other": sockets[1].local_addr()? })
    );
    let other: OtherEnd = serde_json::from_str(&lines.next().ok_or("the other end is needed")??)?;
    let ends = [path.end, other.end];
    thread::spawn(move || {
        if let Err(error) = carry(&sockets, ends, &path) {
            eprintln!("{error}");
            std::process::exit(1);
        }
    });
    lines.try_for_each(|line| line.map(drop))?;
    Ok(())
}

/// Without end.
fn carry(sockets: &[UdpSocket; 2], ends: [SocketAddr; 2], path: &Path) -> Result<()> {
    let link = |seed| {
        let settings = Settings {
            bytes_per_second: path.capacity_mbps * 1e6 / 8.0,
            delay: Duration::from_secs_f64(path.round_trip_ms / 2e3),
            queue_bytes: path.queue_bytes,
            loss: path.loss,
        };
        Link::new(settings, seed, Instant::now())
    };
    let mut links = [link(path.seed), link(!path.seed)];
    let mut datagram = vec![0; DATAGRAM_BYTES];
    loop {
        let next_at = links.iter().filter_map(Link::next_at).min();
        wait::readable_until(sockets, next_at)?;
        for (from, link) in links.iter_mut().enumerate() {
            let to = 1 - from;
            while let Some((bytes, address)) = wait::received(&sockets[from], &mut datagram)? {
                // What an end sends from another of its addresses has no way back.
                if address == ends[from] {
                    link.take(Instant::now(), &datagram[..bytes]);
                }
            }
            while let Some(arrived) = link.arrived(Instant::now()) {
                wait::sent(&sockets[to], &arrived, ends[to])?;
            }
        }
    }
}
