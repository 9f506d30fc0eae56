//! What is to be measured, and what was.

use std::net::SocketAddr;

use serde::{Deserialize, Serialize};

#[derive(Debug, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Job {
    Forward(Forward),
    Limit(Limit),
    Seal(Seal),
    Bulk(Bulk),
}

/// One publisher and `subscribers` subscribers against the SFU that is process `pid` and answers at `http`.
#[derive(Debug, Deserialize)]
pub struct Forward {
    pub http: SocketAddr,
    pub pid: u32,
    /// The core this process pins itself to.
    pub cpu: usize,
    pub subscribers: usize,
    /// Whether subscribers take runs of packets in one piece (`udp::open`).
    pub gro: bool,
    pub cells: Vec<Cell>,
    pub probe_s: f64,
    pub window_s: f64,
    /// Windows of which the median is reported.
    pub windows: usize,
}

#[derive(Clone, Debug, Deserialize)]
pub struct Cell {
    pub pattern: Pattern,
    /// More rates to measure at besides saturation and half of it, in forwarded packets per second.
    #[serde(default)]
    pub at_pps: Vec<f64>,
}

#[derive(Clone, Copy, Debug, Deserialize, Serialize)]
pub struct Pattern {
    /// RTP header and payload; SRTP adds 16 bytes to it on the wire.
    pub size_bytes: usize,
    /// Packets that are due at the same moment: 1 is evenly spaced, 8 a video frame.
    pub burst: usize,
}

/// The best this machine can do for the pattern: sealed and sent from core `send_cpu`, drained on core `drain_cpu`.
#[derive(Debug, Deserialize)]
pub struct Limit {
    pub send_cpu: usize,
    pub drain_cpu: usize,
    pub subscribers: usize,
    pub gro: bool,
    pub patterns: Vec<Pattern>,
    pub window_s: f64,
    pub windows: usize,
}

/// Nothing but AES-128-GCM over `size_bytes`.
#[derive(Debug, Deserialize)]
pub struct Seal {
    pub cpu: usize,
    pub sizes_bytes: Vec<usize>,
    pub window_s: f64,
    pub windows: usize,
}

/// Datagrams of one size, each with so much of a message in it, from core `send_cpu` to core `receive_cpu`.
#[derive(Debug, Deserialize)]
pub struct Bulk {
    pub send_cpu: usize,
    pub receive_cpu: usize,
    pub datagram_bytes: usize,
    pub message_bytes: usize,
    pub window_s: f64,
}

#[derive(Debug, Serialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
pub enum Report {
    Connected {
        subscribers: usize,
        srtp_profile: String,
        dtls_version: String,
        seconds: f64,
    },
    Cell(Box<CellFigures>),
    Limit {
        subscribers: usize,
        pattern: Pattern,
        sent_pps: f64,
        cpu_us_per_packet: f64,
        seal_us_per_packet: f64,
        loss: f64,
    },
    Seal {
        size_bytes: usize,
        us_per_packet: f64,
    },
    Bulk {
        datagram_bytes: usize,
        mbps: f64,
        sender_cpu_s_per_gb: f64,
        receiver_cpu_s_per_gb: f64,
        loss: f64,
    },
}

#[derive(Debug, Serialize)]
pub struct CellFigures {
    pub subscribers: usize,
    pub pattern: Pattern,
    pub saturation: Figures,
    pub half: Figures,
    pub at: Vec<Figures>,
}

impl Report {
    pub fn print(&self) -> crate::Result<()> {
        println!("{}", serde_json::to_string(self)?);
        Ok(())
    }
}

/// What one window, or the median of several, showed.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Figures {
    /// Delivered in time, over all subscribers.
    pub forwarded_pps: f64,
    /// Of what was published, times subscribers: the share that was not delivered in time.
    pub loss: f64,
    pub cpu_us_per_packet: f64,
    /// CPU of the server in cores.
    pub cpu_share: f64,
    pub delay_p50_us: f64,
    pub delay_p99_us: f64,
    /// Sequence numbers that subscribers missed.
    pub gaps: u64,
    /// Packets sent again because the server asked.
    pub resent: u64,
    pub key_frames_asked: u64,
    /// The share of its time in which the load had nothing to do.
    pub load_idle: f64,
    /// The load did not hold the rate, or had no time left: the server may be better than this.
    pub limited_by_load: bool,
    /// CPU of the server's threads in cores, the busiest first.
    pub threads: Vec<(String, f64)>,
}
