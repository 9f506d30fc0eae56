//! What is sent over a connection that stands.

use super::*;

fn received(endpoint: &mut Endpoint) -> Vec<Vec<u8>> {
    let mut packets = Vec::new();
    endpoint.received().take(|packet| packets.push(packet.to_vec()));
    packets
}

fn sealed(endpoint: &mut Endpoint, packet: &[u8]) -> Vec<Vec<u8>> {
    let mut datagrams = Vec::new();
    assert!(endpoint.seal(packet, |datagram| datagrams.push(datagram.to_vec())));
    datagrams
}

#[test]
fn each_packet_is_one_datagram_and_arrives_whole_in_both_directions() {
    for mut pair in [Pair::new(), Pair::speaking_1_2()] {
        pair.connect();
        for length in [1, 16, 1_160, 1_500, 16_384, 300] {
            let packet = vec![length as u8; length];
            for from_client in [true, false] {
                let (from, to) = match from_client {
                    true => (&mut pair.client, &mut pair.server),
                    false => (&mut pair.server, &mut pair.client),
                };
                let [datagram] = &sealed(from, &packet)[..] else { panic!("one datagram") };
                assert!(
                    datagram.len() > length && !datagram.windows(16).any(|part| part == [length as u8; 16])
                );
                to.handle_datagram_untrusted(pair.now, datagram).unwrap();
                assert_eq!(received(to), [&packet[..]]);
                assert!(received(to).is_empty(), "it is given once");
            }
        }
        assert_eq!(pair.deliver_all(), 0, "nothing else had to be sent");
    }
}

#[test]
fn a_record_that_was_changed_or_came_before_brings_nothing() {
    let mut pair = Pair::new();
    pair.connect();
    let datagram = sealed(&mut pair.client, b"once").remove(0);
    let mut changed = datagram.clone();
    *changed.last_mut().unwrap() ^= 1;
    for (datagram, brings) in [(&changed, 0), (&datagram, 1), (&datagram, 0)] {
        let _ = pair.server.handle_datagram_untrusted(pair.now, datagram);
        assert_eq!(received(&mut pair.server).len(), brings);
    }
    assert!(pair.server.is_connected());
}

#[test]
fn without_a_connection_nothing_is_sealed_nor_what_no_datagram_holds() {
    let mut pair = Pair::new();
    assert!(!pair.client.seal(b"early", |_| panic!("there are no keys")));
    pair.connect();
    assert!(!pair.client.seal(&[], |_| panic!("it is empty")));
    assert!(!pair.client.seal(&[0; MAX_DATAGRAM], |_| panic!("it is too long")));
    pair.client.close(pair.now);
    assert!(!pair.client.seal(b"late", |_| panic!("it is closed")));
}

#[test]
fn a_peer_that_is_not_who_was_signalled_gets_nothing_through() {
    // The server takes the client for who it is; the client, which expects itself, does not.
    let mut pair = Pair::expecting(fingerprint(&CLIENT), fingerprint(&CLIENT));
    let mut kept = Vec::new();
    pair.exchange(|from_client, datagram| {
        if !from_client {
            kept.push(datagram.clone());
        }
        true
    });
    assert_eq!(pair.client.poll_event(), Some(Event::Failed("fingerprint-mismatch")));
    let mut forged = Vec::new();
    if pair.server.seal(b"trust me", |datagram| forged.push(datagram.to_vec())) {
        kept.append(&mut forged);
    }
    for datagram in kept {
        assert_eq!(pair.client.handle_datagram_untrusted(pair.now, &datagram), Err(Discarded));
    }
    assert!(received(&mut pair.client).is_empty());
}

#[test]
fn many_packets_at_once_leave_each_for_itself() {
    // The engine's own queue holds ten.
    let mut pair = Pair::new();
    pair.connect();
    for number in 0..100_u8 {
        let datagrams = sealed(&mut pair.server, &[number; 40]);
        assert_eq!(datagrams.len(), 1);
        pair.client.handle_datagram_untrusted(pair.now, &datagrams[0]).unwrap();
    }
    let all = received(&mut pair.client);
    assert_eq!(all, (0..100).map(|number| vec![number; 40]).collect::<Vec<_>>());
}
