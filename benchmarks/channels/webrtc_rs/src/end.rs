//! A peer connection with what the protocol needs.

use std::mem;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use bytes::BytesMut;
use rtc::peer_connection::configuration::setting_engine::SctpMaxMessageSize;
use tokio::sync::Notify;
use tokio::time::timeout;
use webrtc::data_channel::{DataChannel, DataChannelEvent};
use webrtc::peer_connection::{
    CipherSuiteId, PeerConnection, PeerConnectionBuilder, PeerConnectionEventHandler, RTCIceGatheringState,
    RTCSessionDescription, SettingEngineBuilder,
};
use webrtc::runtime::TokioRuntime;

use crate::large_buffers::LargeBuffers;
use crate::{Job, Result};

const PING: &str = "ping";
const LONGEST_MESSAGE_BYTES: u32 = 262_144;
const OPEN_TIMEOUT: Duration = Duration::from_secs(30);

/// What webrtc-rs is best with, as far as was tried.
const SEND_BUFFER_BYTES: usize = 1 << 20;
const REACTORS: usize = 1;

pub struct End {
    job: Job,
    connection: Box<dyn PeerConnection>,
    heard: Arc<Heard>,
    channels: Mutex<Channels>,
    round_trips_s: Arc<Mutex<Vec<f64>>>,
}

/// The offerer's.
#[derive(Default)]
struct Channels {
    ping: Option<Arc<dyn DataChannel>>,
    bulk: Vec<Arc<dyn DataChannel>>,
}

#[derive(Default)]
struct Heard {
    gathered: Notify,
    messages: Arc<AtomicU64>,
}

#[async_trait::async_trait]
impl PeerConnectionEventHandler for Heard {
    async fn on_ice_gathering_state_change(&self, state: RTCIceGatheringState) {
        if state == RTCIceGatheringState::Complete {
            self.gathered.notify_one();
        }
    }

    async fn on_data_channel(&self, channel: Arc<dyn DataChannel>) {
        // The driver waits until this returns.
        tokio::spawn(receive(channel, Arc::clone(&self.messages)));
    }
}

async fn receive(channel: Arc<dyn DataChannel>, messages: Arc<AtomicU64>) {
    let is_ping = channel.label().await.is_ok_and(|label| label == PING);
    while let Some(event) = channel.poll().await {
        match event {
            DataChannelEvent::OnMessage(message) if is_ping => {
                end_unless_done(channel.send(message.data).await)
            }
            DataChannelEvent::OnMessage(_) => {
                messages.fetch_add(1, Ordering::Relaxed);
            }
            _ => {}
        }
    }
}

impl End {
    pub async fn new(job: Job) -> Result<End> {
        let heard = Arc::new(Heard::default());
        let settings = SettingEngineBuilder::new()
            .with_dtls_cipher_suites(vec![CipherSuiteId::Tls_Ecdhe_Ecdsa_With_Aes_128_Gcm_Sha256])
            .with_sctp_max_message_size(SctpMaxMessageSize::Bounded(LONGEST_MESSAGE_BYTES))
            .with_include_loopback_candidate(true)
            .build();
        let connection = PeerConnectionBuilder::new()
            .with_setting_engine(settings)
            .with_runtime(Arc::new(LargeBuffers(TokioRuntime)))
            .with_handler(Arc::clone(&heard) as Arc<dyn PeerConnectionEventHandler>)
            .with_udp_addrs(vec!["127.0.0.1:0"])
            .with_dedicated_reactor_pool_size(REACTORS)
            .with_data_channel_send_buffer_limit(SEND_BUFFER_BYTES)
            .build()
            .await?;
        Ok(End {
            job,
            connection: Box::new(connection),
            heard,
            channels: Mutex::default(),
            round_trips_s: Arc::default(),
        })
    }

    /// Makes the channels, and gives the description with all candidates.
    pub async fn offer(&self) -> Result<String> {
        let ping = self.connection.create_data_channel(PING, None).await?;
        let mut bulk = Vec::new();
        for number in 0..self.job.channels {
            bulk.push(self.connection.create_data_channel(&format!("bulk {number}"), None).await?);
        }
        *locked(&self.channels) = Channels { ping: Some(ping), bulk };
        let offer = self.connection.create_offer(None).await?;
        self.gathered(offer).await
    }

    /// Returns when all channels are open.
    pub async fn take_answer(&self, sdp: String) -> Result<()> {
        self.connection.set_remote_description(RTCSessionDescription::answer(sdp)?).await?;
        let channels: Vec<_> = {
            let channels = locked(&self.channels);
            channels.ping.iter().chain(&channels.bulk).cloned().collect()
        };
        for channel in channels {
            timeout(OPEN_TIMEOUT, opened(channel.as_ref())).await.map_err(|_| "the channels do not open")?;
        }
        Ok(())
    }

    pub async fn answer(&self, sdp: String) -> Result<String> {
        self.connection.set_remote_description(RTCSessionDescription::offer(sdp)?).await?;
        let answer = self.connection.create_answer(None).await?;
        self.gathered(answer).await
    }

    /// Sets a description and gives it with all candidates.
    async fn gathered(&self, description: RTCSessionDescription) -> Result<String> {
        self.connection.set_local_description(description).await?;
        self.heard.gathered.notified().await;
        Ok(self.connection.local_description().await.ok_or("there is no description")?.sdp)
    }

    /// Begins to send on all channels, without end.
    pub fn send_bulk(&self) {
        for channel in &locked(&self.channels).bulk {
            let (channel, size_bytes) = (Arc::clone(channel), self.job.size_bytes);
            tokio::spawn(async move {
                loop {
                    // It takes nothing that is shared.
                    end_unless_done(channel.send(BytesMut::zeroed(size_bytes)).await);
                }
            });
        }
    }

    /// Begins to send four bytes on `ping`, again a pause after they came back.
    pub fn send_pings(&self) {
        let Some(channel) = locked(&self.channels).ping.clone() else { return };
        let pause = Duration::from_secs_f64(self.job.ping_pause_s);
        let round_trips_s = Arc::clone(&self.round_trips_s);
        tokio::spawn(async move {
            loop {
                let began = Instant::now();
                end_unless_done(channel.send(BytesMut::from(&b"ping"[..])).await);
                while !matches!(channel.poll().await, Some(DataChannelEvent::OnMessage(_)) | None) {}
                locked(&round_trips_s).push(began.elapsed().as_secs_f64());
                tokio::time::sleep(pause).await;
            }
        });
    }

    pub fn take_round_trips(&self) -> Vec<f64> {
        mem::take(&mut *locked(&self.round_trips_s))
    }

    /// How many have come.
    pub fn messages(&self) -> u64 {
        self.heard.messages.load(Ordering::Relaxed)
    }
}

async fn opened(channel: &dyn DataChannel) {
    while !matches!(channel.poll().await, Some(DataChannelEvent::OnOpen) | None) {}
}

/// An end that can no longer send must not look like a slow one.
fn end_unless_done<T>(done: webrtc::error::Result<T>) {
    if let Err(error) = done {
        eprintln!("{error}");
        std::process::exit(1);
    }
}

fn locked<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
