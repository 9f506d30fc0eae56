//! What this machine could do at best: the same packets to as many sockets, sealed one by one, sent in batches, and
//! nothing received, decided or kept. A burst of one goes out by sendmmsg, a run of several by GSO within sendmmsg.
//!
//! The receiving sockets are the load's own, drained on another core; what their buffers cannot hold the kernel drops.
//! As with a server, loopback charges the receiver's half of the kernel's work to the sender's call.

use std::net::{SocketAddr, SocketAddrV4, UdpSocket};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use aws_lc_rs::aead::AES_128_GCM;

use crate::job::{Limit, Pattern, Report, Seal};
use crate::srtp::{Keys, TAG_BYTES};
use crate::udp::{self, Inbox, Outbox, Outgoing};
use crate::vp8::Packet;
use crate::{Result, cpu};

/// Destinations in one sendmmsg: for single packets and for runs.
const BATCH_SINGLES: usize = 64;
const BATCH_RUNS: usize = 16;
const SETTLE: Duration = Duration::from_millis(200);

pub fn limit(job: &Limit) -> Result<()> {
    let sockets: Vec<UdpSocket> =
        (0..job.subscribers).map(|_| udp::open(job.gro)).collect::<std::io::Result<_>>()?;
    let addresses: Vec<SocketAddrV4> = sockets
        .iter()
        .map(|socket| match socket.local_addr()? {
            SocketAddr::V4(address) => Ok(address),
            SocketAddr::V6(_) => Err("a socket on 127.0.0.1 has an IPv6 address".into()),
        })
        .collect::<Result<_>>()?;
    let (received, done) = (AtomicU64::new(0), AtomicBool::new(false));
    thread::scope(|scope| {
        let drain = scope.spawn(|| drain(job.drain_cpu, &sockets, &received, &done));
        let measured = measure(job, &addresses, &received);
        done.store(true, Ordering::Relaxed);
        let drained = drain.join().map_err(|_| "the draining thread panicked")?;
        measured.and(drained)
    })
}

fn drain(cpu: usize, sockets: &[UdpSocket], received: &AtomicU64, done: &AtomicBool) -> Result<()> {
    cpu::pin(cpu)?;
    let mut inbox = Inbox::new();
    while !done.load(Ordering::Relaxed) {
        for socket in sockets {
            let mut count = 0;
            while inbox.receive(socket, |_, _| count += 1)? {}
            received.fetch_add(count, Ordering::Relaxed);
        }
    }
    Ok(())
}

fn measure(job: &Limit, addresses: &[SocketAddrV4], received: &AtomicU64) -> Result<()> {
    cpu::pin(job.send_cpu)?;
    for pattern in &job.patterns {
        let mut sender = Sender::new(addresses, *pattern)?;
        let mut windows = Vec::new();
        for _ in 0..job.windows.max(1) {
            let received_before = received.load(Ordering::Relaxed);
            let mut window = sender.window(job.window_s)?;
            window.received = settled(received, received_before + window.sent) - received_before;
            windows.push(window);
        }
        windows.sort_unstable_by(|a, b| a.cpu_ns_per_packet().total_cmp(&b.cpu_ns_per_packet()));
        let window = &windows[windows.len() / 2];
        Report::Limit {
            subscribers: addresses.len(),
            pattern: *pattern,
            sent_pps: window.sent as f64 / window.seconds,
            cpu_us_per_packet: window.cpu_ns_per_packet() / 1e3,
            seal_us_per_packet: window.seal_ns as f64 / 1e3 / window.sent.max(1) as f64,
            loss: 1.0 - window.received as f64 / window.sent.max(1) as f64,
        }
        .print()?;
    }
    Ok(())
}

/// What has been received once all that was sent has come, or nothing has for a while.
fn settled(received: &AtomicU64, sent: u64) -> u64 {
    let mut before = received.load(Ordering::Relaxed);
    loop {
        thread::sleep(SETTLE);
        let now = received.load(Ordering::Relaxed);
        if now >= sent || now == before {
            return now;
        }
        before = now;
    }
}

struct Window {
    sent: u64,
    received: u64,
    seconds: f64,
    cpu_ns: u64,
    seal_ns: u64,
}

impl Window {
    fn cpu_ns_per_packet(&self) -> f64 {
        self.cpu_ns as f64 / self.sent.max(1) as f64
    }
}

struct Sender<'a> {
    socket: UdpSocket,
    outbox: Outbox,
    destinations: Vec<(SocketAddrV4, Keys)>,
    addresses: &'a [SocketAddrV4],
    pattern: Pattern,
    index: u64,
    template: Vec<u8>,
    batch: Vec<u8>,
}

impl Sender<'_> {
    fn new(addresses: &[SocketAddrV4], pattern: Pattern) -> Result<Sender<'_>> {
        let destinations = addresses
            .iter()
            .zip(0_u32..)
            .map(|(address, number)| {
                let mut key = [7; 16];
                key[..4].copy_from_slice(&number.to_be_bytes());
                Ok((*address, Keys::derive(&AES_128_GCM, &key, &[9; 12])?))
            })
            .collect::<Result<_>>()?;
        let wire_bytes = pattern.size_bytes + TAG_BYTES;
        Ok(Sender {
            socket: udp::open(false)?,
            outbox: Outbox::default(),
            destinations,
            addresses,
            pattern,
            index: 0,
            template: vec![0; wire_bytes * pattern.burst],
            batch: vec![0; wire_bytes * pattern.burst * batch_destinations(pattern)],
        })
    }

    /// Sends for `seconds` as fast as it goes.
    fn window(&mut self, seconds: f64) -> Result<Window> {
        let (started, cpu_before) = (Instant::now(), cpu::thread_ns());
        let (mut sent, mut seal_ns) = (0, 0);
        while started.elapsed().as_secs_f64() < seconds {
            seal_ns += self.publish()?;
            sent += (self.pattern.burst * self.addresses.len()) as u64;
        }
        let cpu_ns = cpu::thread_ns() - cpu_before;
        Ok(Window { sent, received: 0, seconds: started.elapsed().as_secs_f64(), cpu_ns, seal_ns })
    }

    /// One burst to everybody; gives the time spent on sealing.
    fn publish(&mut self) -> Result<u64> {
        let wire_bytes = self.pattern.size_bytes + TAG_BYTES;
        let run_bytes = wire_bytes * self.pattern.burst;
        let stamp_ns = cpu::realtime_ns();
        for packet in self.template.chunks_mut(wire_bytes) {
            Packet { index: self.index, timestamp: 1, ssrc: 1, is_key_frame: false, stamp_ns }.write(packet);
            self.index += 1;
        }
        let roll_over = ((self.index - 1) >> 16) as u32;
        let segment_bytes = if self.pattern.burst > 1 { Some(u16::try_from(wire_bytes)?) } else { None };
        let mut seal_ns = 0;
        for destinations in self.destinations.chunks(batch_destinations(self.pattern)) {
            let sealing = cpu::thread_ns();
            for ((_, keys), run) in destinations.iter().zip(self.batch.chunks_mut(run_bytes)) {
                run.copy_from_slice(&self.template);
                run.chunks_mut(wire_bytes).for_each(|packet| keys.seal_rtp(packet, roll_over));
            }
            seal_ns += cpu::thread_ns() - sealing;
            let outgoing: Vec<Outgoing> = destinations
                .iter()
                .zip(self.batch.chunks(run_bytes))
                .map(|((to, _), bytes)| Outgoing { bytes, to: Some(*to), segment_bytes })
                .collect();
            self.outbox.send(&self.socket, &outgoing)?;
        }
        Ok(seal_ns)
    }
}

fn batch_destinations(pattern: Pattern) -> usize {
    if pattern.burst > 1 { BATCH_RUNS } else { BATCH_SINGLES }
}

/// AES-GCM over packets in a warm cache, the fastest of the windows.
pub fn seal(job: &Seal) -> Result<()> {
    cpu::pin(job.cpu)?;
    let keys = Keys::derive(&AES_128_GCM, &[7; 16], &[9; 12])?;
    for size_bytes in &job.sizes_bytes {
        let mut packet = vec![0x80; size_bytes + TAG_BYTES];
        let mut fastest = f64::INFINITY;
        for _ in 0..job.windows.max(1) {
            let (started, cpu_before) = (Instant::now(), cpu::thread_ns());
            let mut sealed = 0_u32;
            while started.elapsed().as_secs_f64() < job.window_s {
                for _ in 0..256 {
                    keys.seal_rtp(&mut packet, sealed);
                    sealed += 1;
                }
            }
            fastest = fastest.min((cpu::thread_ns() - cpu_before) as f64 / 1e3 / f64::from(sealed));
        }
        Report::Seal { size_bytes: *size_bytes, us_per_packet: fastest }.print()?;
    }
    Ok(())
}
