use super::*;

/// SplitMix64, so that a failure repeats.
struct Rng(u64);

impl Rng {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    fn bytes(&mut self, len: usize) -> Vec<u8> {
        (0..len).map(|_| self.next() as u8).collect()
    }
}

/// A record in the clear, as anybody can make one.
fn record(content_type: u8, epoch: u16, sequence: u64, body: &[u8]) -> Vec<u8> {
    let mut record = vec![content_type, 0xFE, 0xFD];
    record.extend(epoch.to_be_bytes());
    record.extend(&sequence.to_be_bytes()[2..]);
    record.extend((body.len() as u16).to_be_bytes());
    record.extend(body);
    record
}

/// A handshake message in the clear, unfragmented.
fn message(kind: u8, message_sequence: u16, body: &[u8]) -> Vec<u8> {
    let length = &(body.len() as u32).to_be_bytes()[1..];
    let mut message = vec![kind];
    message.extend(length);
    message.extend(message_sequence.to_be_bytes());
    message.extend([0, 0, 0]);
    message.extend(length);
    message.extend(body);
    message
}

fn connected_pair(is_1_2: bool) -> Pair {
    let mut pair = Pair::new();
    if is_1_2 {
        pair.client = Endpoint::new_1_2(DtlsRole::Client, &CLIENT, fingerprint(&SERVER), pair.now, *EPOCH);
    }
    pair.connect();
    pair
}

/// Both ends still understand each other: a close_notify of each is believed by the other.
fn assert_alive(mut pair: Pair, what: &str) {
    assert!(pair.client.is_connected() && pair.server.is_connected(), "{what}");
    assert_eq!((pair.client.poll_event(), pair.server.poll_event()), (None, None), "{what}");
    pair.exchange(|_, _| true);
    pair.client.close(pair.now);
    pair.exchange(|_, _| true);
    assert_eq!(pair.server.poll_event(), Some(Event::Closed), "{what}");
}

#[test]
fn forged_records_do_not_end_a_connection() {
    for is_1_2 in [false, true] {
        for content_type in 20..=63 {
            let mut pair = connected_pair(is_1_2);
            let mut rng = Rng(u64::from(content_type));
            for sequence in 0..200 {
                let epoch = [0, 1, 2, 3, 0xFFFF][sequence as usize % 5];
                let body = match sequence % 4 {
                    0 => vec![2, 40],
                    1 => vec![1, 0],
                    2 => vec![1],
                    _ => rng.bytes(60),
                };
                let datagram = record(content_type, epoch, sequence * 7, &body);
                for endpoint in [&mut pair.client, &mut pair.server] {
                    let _ = endpoint.handle_datagram_untrusted(pair.now, &datagram);
                }
            }
            assert_alive(pair, &format!("content type {content_type}, 1.2: {is_1_2}"));
        }
    }
}

#[test]
fn forged_handshake_messages_do_not_end_a_connection() {
    for is_1_2 in [false, true] {
        for kind in [0, 1, 2, 3, 4, 8, 11, 12, 13, 14, 15, 16, 20, 24, 77] {
            let mut pair = connected_pair(is_1_2);
            let mut rng = Rng(u64::from(kind));
            for sequence in 0..100u16 {
                let len = rng.next() as usize % 300;
                let body = rng.bytes(len);
                let datagram = record(22, 0, sequence.into(), &message(kind, sequence % 50, &body));
                for endpoint in [&mut pair.client, &mut pair.server] {
                    let _ = endpoint.handle_datagram_untrusted(pair.now, &datagram);
                }
            }
            assert_alive(pair, &format!("message {kind}, 1.2: {is_1_2}"));
        }
    }
}

#[test]
fn noise_does_not_end_a_connection() {
    for is_1_2 in [false, true] {
        let mut pair = connected_pair(is_1_2);
        let mut rng = Rng(5);
        for _ in 0..3_000 {
            let len = rng.next() as usize % 2_100;
            let mut noise = rng.bytes(len);
            if let Some(first) = noise.first_mut() {
                *first = 20 + *first % 44; // DTLS by RFC 7983.
            }
            for endpoint in [&mut pair.client, &mut pair.server] {
                let _ = endpoint.handle_datagram_untrusted(pair.now, &noise);
            }
        }
        assert_alive(pair, "noise");
    }
}

#[test]
fn repeated_handshake_datagrams_do_not_end_a_connection() {
    for is_1_2 in [false, true] {
        let mut pair = Pair::new();
        if is_1_2 {
            pair.client =
                Endpoint::new_1_2(DtlsRole::Client, &CLIENT, fingerprint(&SERVER), pair.now, *EPOCH);
        }
        let mut seen = Vec::new();
        pair.exchange(|from_client, datagram| {
            seen.push((from_client, datagram.clone()));
            true
        });
        connected(pair.client.poll_event());
        connected(pair.server.poll_event());
        for _ in 0..20 {
            for (from_client, datagram) in &seen {
                let receiver = if *from_client { &mut pair.server } else { &mut pair.client };
                let _ = receiver.handle_datagram_untrusted(pair.now, datagram);
            }
            pair.exchange(|_, _| true);
        }
        assert_alive(pair, "repeated");
    }
}

#[test]
fn what_is_no_hello_does_not_disturb_the_beginning() {
    let mut pair = Pair::new();
    let mut rng = Rng(9);
    for round in 0..500u64 {
        let noise = match round % 3 {
            0 => rng.bytes(100),
            1 => record(23, 0, round, &rng.bytes(40)),
            _ => record(22, 0, round, &message(20, 0, &rng.bytes(40))),
        };
        assert_eq!(pair.server.handle_datagram_untrusted(pair.now, &noise), Err(Discarded));
        assert_eq!(pair.client.handle_datagram_untrusted(pair.now, &noise), Err(Discarded));
    }
    pair.connect();
}

#[test]
fn noise_between_its_flights_does_not_spoil_a_handshake() {
    for is_1_2 in [false, true] {
        let mut pair = Pair::new();
        if is_1_2 {
            pair.client =
                Endpoint::new_1_2(DtlsRole::Client, &CLIENT, fingerprint(&SERVER), pair.now, *EPOCH);
        }
        let mut rng = Rng(11);
        let mut noisy = Vec::new();
        for round in 0..100u64 {
            let mut noise = if round % 2 == 0 { rng.bytes(90) } else { record(23, 1, round, &rng.bytes(40)) };
            noise[0] = 20 + noise[0] % 44;
            noisy.push(noise);
        }
        for _ in 0..10 {
            let Some(datagram) = pair.client.poll_transmit() else { break };
            for noise in &noisy {
                let _ = pair.server.handle_datagram_untrusted(pair.now, noise);
            }
            let _ = pair.server.handle_datagram_untrusted(pair.now, &datagram);
            while let Some(datagram) = pair.server.poll_transmit() {
                for noise in &noisy {
                    let _ = pair.client.handle_datagram_untrusted(pair.now, noise);
                }
                let _ = pair.client.handle_datagram_untrusted(pair.now, &datagram);
            }
        }
        connected(pair.client.poll_event());
        connected(pair.server.poll_event());
        assert_alive(pair, "noise in the handshake");
    }
}

#[test]
fn an_endless_datagram_is_discarded() {
    let mut pair = Pair::new();
    let datagram = vec![22; MAX_HANDSHAKE_DATAGRAM + 1];
    assert_eq!(pair.server.handle_datagram_untrusted(pair.now, &datagram), Err(Discarded));
    pair.connect();
    let datagram = vec![22; MAX_DATAGRAM + 1];
    assert_eq!(pair.server.handle_datagram_untrusted(pair.now, &datagram), Err(Discarded));
}

/// Each datagram of a handshake damaged in one place: the handshake may fail, but nothing panics, and no end gives keys
/// that the other has not.
#[test]
fn a_damaged_handshake_never_gives_different_keys() {
    let mut rng = Rng(3);
    for round in 0..300 {
        let mut pair = Pair::new();
        if round % 2 == 0 {
            pair.client =
                Endpoint::new_1_2(DtlsRole::Client, &CLIENT, fingerprint(&SERVER), pair.now, *EPOCH);
        }
        let victim = rng.next() % 8;
        let mut count = 0;
        for _ in 0..4 {
            pair.exchange(|_, datagram| {
                if count == victim {
                    let at = rng.next() as usize % datagram.len();
                    datagram[at] ^= 1 << (rng.next() % 8);
                }
                count += 1;
                true
            });
            if [pair.client.poll_timeout(), pair.server.poll_timeout()].iter().any(Option::is_some) {
                pair.advance();
            }
        }
        if let (Some(Event::Connected { keys: one, .. }), Some(Event::Connected { keys: other, .. })) =
            (pair.client.poll_event(), pair.server.poll_event())
        {
            assert_eq!(one.local_key, other.remote_key);
        }
    }
}
