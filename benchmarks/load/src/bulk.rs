//! What data channels could do at best: bytes of messages copied, sealed as DTLS records are, sent by GSO, received by GRO
//! and opened, with one thread for each end, and no SCTP.
//!
//! The sender waits while more is under way than the receiver's socket holds, so nothing is lost.

use std::net::{SocketAddr, SocketAddrV4, UdpSocket};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use aws_lc_rs::aead::{AES_128_GCM, Aad, LessSafeKey, Nonce, UnboundKey};

use crate::job::{Bulk, Report};
use crate::udp::{self, Inbox, Outbox, Outgoing};
use crate::{Result, cpu};

/// Of DTLS 1.2: type, version, epoch, sequence number, length; then the explicit part of the nonce (RFC 6347, RFC 5288).
const HEADER_BYTES: usize = 13;
const EXPLICIT_BYTES: usize = 8;
const TAG_BYTES: usize = 16;
const UNDER_WAY_BYTES: u64 = 4 << 20;
const RUN_BYTES: usize = 65_000;
const RUN_DATAGRAMS: usize = 64;
const PAUSE: Duration = Duration::from_micros(20);

/// What both threads see.
#[derive(Default)]
struct Progress {
    sent: AtomicU64,
    opened: AtomicU64,
    done: AtomicBool,
}

pub fn limit(job: &Bulk) -> Result<()> {
    let overhead = HEADER_BYTES + EXPLICIT_BYTES + TAG_BYTES;
    if job.message_bytes == 0 || job.datagram_bytes < job.message_bytes + overhead {
        return Err("there is no room for the message in the datagram".into());
    }
    let socket = udp::open(true)?;
    let SocketAddr::V4(to) = socket.local_addr()? else {
        return Err("a socket on 127.0.0.1 has an IPv6 address".into());
    };
    let progress = Progress::default();
    let (sender_ns, receiver_ns, seconds) = thread::scope(|scope| {
        let receiver = scope.spawn(|| open(job, &socket, &progress));
        let sent = seal(job, to, &progress);
        progress.done.store(true, Ordering::Relaxed);
        let receiver_ns = receiver.join().map_err(|_| "the receiving thread panicked")?;
        let (sender_ns, seconds) = sent?;
        Result::Ok((sender_ns, receiver_ns?, seconds))
    })?;
    let opened = progress.opened.load(Ordering::Relaxed);
    let gigabytes = (opened * job.message_bytes as u64) as f64 / 1e9;
    Report::Bulk {
        datagram_bytes: job.datagram_bytes,
        mbps: gigabytes * 8e3 / seconds,
        sender_cpu_s_per_gb: sender_ns as f64 / 1e9 / gigabytes,
        receiver_cpu_s_per_gb: receiver_ns as f64 / 1e9 / gigabytes,
        loss: 1.0 - opened as f64 / progress.sent.load(Ordering::Relaxed).max(1) as f64,
    }
    .print()
}

fn key() -> Result<LessSafeKey> {
    Ok(LessSafeKey::new(UnboundKey::new(&AES_128_GCM, &[7; 16]).map_err(|_| "a key of the wrong length")?))
}

fn nonce(explicit: &[u8]) -> Nonce {
    let mut nonce = [9; 12];
    nonce[4..].copy_from_slice(explicit);
    Nonce::assume_unique_for_key(nonce)
}

/// Sends for as long as the job says, and waits until all has come; gives its CPU time, and how long it took.
fn seal(job: &Bulk, to: SocketAddrV4, progress: &Progress) -> Result<(u64, f64)> {
    cpu::pin(job.send_cpu)?;
    let (key, socket, mut outbox) = (key()?, udp::open(false)?, Outbox::default());
    let datagrams = (RUN_BYTES / job.datagram_bytes).clamp(1, RUN_DATAGRAMS);
    let message = vec![1; job.message_bytes * datagrams];
    let mut run = vec![0; job.datagram_bytes * datagrams];
    let (started, cpu_before) = (Instant::now(), cpu::thread_ns());
    let mut sent = 0_u64;
    while started.elapsed().as_secs_f64() < job.window_s {
        let under_way = sent - progress.opened.load(Ordering::Relaxed);
        if under_way * job.datagram_bytes as u64 > UNDER_WAY_BYTES {
            thread::sleep(PAUSE);
            continue;
        }
        for (record, part) in run.chunks_mut(job.datagram_bytes).zip(message.chunks(job.message_bytes)) {
            sent += 1;
            seal_record(&key, record, part, sent);
        }
        let segment_bytes = Some(u16::try_from(job.datagram_bytes)?);
        outbox.send(&socket, &[Outgoing { bytes: &run, to: Some(to), segment_bytes }])?;
    }
    progress.sent.store(sent, Ordering::Relaxed);
    let mut opened = u64::MAX;
    while opened != progress.opened.load(Ordering::Relaxed) && opened != sent {
        opened = progress.opened.load(Ordering::Relaxed);
        thread::sleep(Duration::from_millis(20));
    }
    Ok((cpu::thread_ns() - cpu_before, started.elapsed().as_secs_f64()))
}

fn seal_record(key: &LessSafeKey, record: &mut [u8], message: &[u8], number: u64) {
    let (header, rest) = record.split_at_mut(HEADER_BYTES);
    let (explicit, rest) = rest.split_at_mut(EXPLICIT_BYTES);
    let (payload, tag) = rest.split_at_mut(rest.len() - TAG_BYTES);
    explicit.copy_from_slice(&number.to_be_bytes());
    payload[..message.len()].copy_from_slice(message);
    let sealed = key.seal_in_place_separate_tag(nonce(explicit), Aad::from(&*header), payload);
    tag.copy_from_slice(sealed.expect("a record is far below GCM's limit").as_ref());
}

/// Opens what comes until the sender is done; gives its CPU time.
fn open(job: &Bulk, socket: &UdpSocket, progress: &Progress) -> Result<u64> {
    cpu::pin(job.receive_cpu)?;
    let (key, mut inbox, cpu_before) = (key()?, Inbox::new(), cpu::thread_ns());
    while !progress.done.load(Ordering::Relaxed) {
        let mut opened = 0;
        inbox.receive(socket, |record, _| opened += u64::from(open_record(&key, record)))?;
        if opened == 0 {
            thread::sleep(PAUSE);
        }
        progress.opened.fetch_add(opened, Ordering::Relaxed);
    }
    Ok(cpu::thread_ns() - cpu_before)
}

fn open_record(key: &LessSafeKey, record: &mut [u8]) -> bool {
    let Some((header, rest)) = record.split_at_mut_checked(HEADER_BYTES) else { return false };
    let Some((explicit, sealed)) = rest.split_at_mut_checked(EXPLICIT_BYTES) else { return false };
    key.open_in_place(nonce(explicit), Aad::from(&*header), sealed).is_ok()
}
