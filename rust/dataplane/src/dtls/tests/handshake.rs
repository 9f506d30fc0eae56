use std::time::Duration;

use super::*;

fn check(client: &Connected, server: &Connected, version: &str) {
    assert_eq!((&*client.certificate, &*server.certificate), (SERVER.der(), CLIENT.der()));
    assert_eq!(client.version, version);
    assert_eq!(server.version, version);
    assert_eq!(client.cipher, server.cipher);
    assert!(client.cipher.starts_with("TLS_"), "{}", client.cipher);
    let (client, server) = (&client.keys, &server.keys);
    assert_eq!(client.profile, server.profile);
    assert_eq!((&client.local_key, &client.local_salt), (&server.remote_key, &server.remote_salt));
    assert_eq!((&client.remote_key, &client.remote_salt), (&server.local_key, &server.local_salt));
    assert_ne!(client.local_key, client.remote_key);
}

fn pair(client_1_2: bool, server_1_2: bool) -> Pair {
    let mut pair = Pair::new();
    if client_1_2 {
        pair.client = Endpoint::new_1_2(DtlsRole::Client, &CLIENT, fingerprint(&SERVER), pair.now, *EPOCH);
    }
    if server_1_2 {
        pair.server = Endpoint::new_1_2(DtlsRole::Server, &SERVER, fingerprint(&CLIENT), pair.now, *EPOCH);
    }
    pair
}

#[test]
fn two_endpoints_agree_on_dtls_1_3_and_on_keys() {
    let (client, server) = Pair::new().connect();
    check(&client, &server, "FEFC");
    assert_eq!(client.cipher, "TLS_AES_128_GCM_SHA256");
}

#[test]
fn a_client_of_dtls_1_2_is_served() {
    let (client, server) = pair(true, false).connect();
    check(&client, &server, "FEFD");
}

#[test]
fn a_server_of_dtls_1_2_is_joined() {
    let (client, server) = pair(false, true).connect();
    check(&client, &server, "FEFD");
    assert!(client.cipher.starts_with("TLS_ECDHE_ECDSA_WITH_AES_"), "{}", client.cipher);
}

#[test]
fn certificates_over_either_curve_are_shown_and_believed_in_both_versions() {
    let certificates =
        [Curve::P256, Curve::P384].map(|curve| Certificate::over(curve, Duration::from_secs(60)).unwrap());
    for of_client in &certificates {
        for of_server in &certificates {
            for is_1_2 in [false, true] {
                let make = if is_1_2 { Endpoint::new_1_2 } else { Endpoint::new };
                let now = Time::from_millis(1_000);
                let mut pair = Pair {
                    client: make(DtlsRole::Client, of_client, fingerprint(of_server), now, *EPOCH),
                    server: make(DtlsRole::Server, of_server, fingerprint(of_client), now, *EPOCH),
                    now,
                };
                let (client, server) = pair.connect();
                assert_eq!((&*client.certificate, &*server.certificate), (of_server.der(), of_client.der()));
                assert_eq!(client.version, if is_1_2 { "FEFD" } else { "FEFC" });
            }
        }
    }
}

#[test]
fn media_sealed_by_one_end_opens_at_the_other() {
    let (client, server) = Pair::new().connect();
    let (mut client_sender, mut client_receiver) = client.keys.srtp().unwrap();
    let (mut server_sender, mut server_receiver) = server.keys.srtp().unwrap();
    for (sender, receiver) in
        [(&mut client_sender, &mut server_receiver), (&mut server_sender, &mut client_receiver)]
    {
        let mut packet = vec![0x80, 96, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3, 1, 2, 3, 4];
        let plain = packet.clone();
        let mut stream = sender.open_stream(3).unwrap();
        sender.seal_rtp(&mut stream, &mut packet, 0, 12).unwrap();
        let (plain_len, _) = receiver.open_rtp_untrusted(&mut packet, 12).unwrap();
        assert_eq!(packet[..plain_len], plain);
    }
}

#[test]
fn a_wrong_server_fails_at_the_client_and_gives_no_keys() {
    for server_1_2 in [false, true] {
        let mut pair = pair(false, server_1_2);
        pair.client = Endpoint::new(DtlsRole::Client, &CLIENT, fingerprint(&CLIENT), pair.now, *EPOCH);
        pair.deliver_all();
        assert_eq!(pair.client.poll_event(), Some(Event::Failed("fingerprint-mismatch")));
        assert_eq!(pair.client.poll_event(), None);
        assert!(!pair.client.is_connected());
        assert_eq!(pair.client.poll_timeout(), None);
        check_told(&mut pair.server, server_1_2);
    }
}

#[test]
fn a_wrong_client_fails_at_the_server_and_gives_no_keys() {
    for client_1_2 in [false, true] {
        let mut pair = pair(client_1_2, false);
        pair.server = Endpoint::new(DtlsRole::Server, &SERVER, fingerprint(&SERVER), pair.now, *EPOCH);
        pair.deliver_all();
        assert_eq!(pair.server.poll_event(), Some(Event::Failed("fingerprint-mismatch")));
        assert_eq!(pair.server.poll_event(), None);
        assert!(!pair.server.is_connected());
        check_told(&mut pair.client, client_1_2);
    }
}

/// A peer that was refused knows at once, by an alert; in DTLS 1.3 it had a connection as it saw it.
fn check_told(refused: &mut Endpoint, is_1_2: bool) {
    if !is_1_2 {
        connected(refused.poll_event());
    }
    assert_eq!(refused.poll_event(), Some(Event::Failed("dtls-alert-42")));
    assert_eq!(refused.poll_event(), None);
    assert_eq!(refused.poll_timeout(), None);
    assert!(!refused.is_connected());
}

#[test]
fn without_a_signalled_fingerprint_no_handshake_succeeds() {
    let mut pair = Pair::expecting(fingerprint(&SERVER), Vec::new());
    pair.deliver_all();
    assert_eq!(pair.server.poll_event(), Some(Event::Failed("fingerprint-mismatch")));
}

#[test]
fn a_lost_first_flight_is_repeated_soon() {
    for versions in [(false, false), (true, false)] {
        let mut pair = pair(versions.0, versions.1);
        assert!(pair.exchange(|_, _| false) > 0);
        let passed = pair.advance();
        let soon = Duration::from_millis(100)..Duration::from_millis(200);
        assert!(soon.contains(&passed), "{passed:?}");
        pair.connect();
    }
}

#[test]
fn any_one_datagram_may_be_lost() {
    for versions in [(false, false), (true, false), (false, true)] {
        for lost in 0..12 {
            let mut pair = pair(versions.0, versions.1);
            let mut count = 0;
            for _ in 0..20 {
                pair.exchange(|_, _| {
                    count += 1;
                    count != lost + 1
                });
                if pair.client.is_connected() && pair.server.is_connected() {
                    break;
                }
                pair.advance();
            }
            let client = connected(pair.client.poll_event());
            let server = connected(pair.server.poll_event());
            check(&client, &server, if versions == (false, false) { "FEFC" } else { "FEFD" });
        }
    }
}

#[test]
fn a_handshake_without_answer_fails_after_30_s() {
    let mut pair = Pair::new();
    let start = pair.now;
    while pair.client.poll_timeout().is_some() {
        pair.exchange(|_, _| false);
        pair.advance();
    }
    assert_eq!(pair.client.poll_event(), Some(Event::Failed("dtls-timeout")));
    assert_eq!(pair.now.since(start), Duration::from_secs(30));
}

#[test]
fn a_server_waits_for_its_client_without_a_deadline() {
    assert_eq!(Pair::new().server.poll_timeout(), None);
}

#[test]
fn an_established_connection_has_no_deadline() {
    for versions in [(false, false), (true, false)] {
        let mut pair = pair(versions.0, versions.1);
        pair.connect();
        let mut left = 20;
        while pair.client.poll_timeout().or(pair.server.poll_timeout()).is_some() {
            left -= 1;
            assert!(left > 0, "timers keep running");
            pair.advance();
            pair.deliver_all();
        }
    }
}

#[test]
fn close_tells_the_peer() {
    for versions in [(false, false), (true, false)] {
        for client_closes in [false, true] {
            let mut pair = pair(versions.0, versions.1);
            pair.connect();
            let now = pair.now;
            let (closing, closed) = if client_closes {
                (&mut pair.client, &mut pair.server)
            } else {
                (&mut pair.server, &mut pair.client)
            };
            closing.close(now);
            let datagram = closing.poll_transmit().unwrap();
            let _ = closed.handle_datagram_untrusted(now, &datagram);
            assert_eq!(closed.poll_event(), Some(Event::Closed));
            pair.deliver_all();
            assert_eq!((pair.client.poll_event(), pair.server.poll_event()), (None, None));
            assert_eq!((pair.client.poll_timeout(), pair.server.poll_timeout()), (None, None));
        }
    }
}

#[test]
fn close_before_the_handshake_ends_in_silence() {
    let mut pair = Pair::new();
    pair.server.close(pair.now);
    pair.deliver_all();
    assert_eq!(pair.server.poll_event(), None);
    assert!(!pair.server.is_connected());
}
