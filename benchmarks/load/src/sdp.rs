//! The few lines of SDP that a client with one video m-line needs (RFC 8829, RFC 8839, RFC 8842).

use std::fmt::Write;
use std::net::{SocketAddr, SocketAddrV4};

use crate::Result;

/// What a client says of itself.
pub struct Local<'a> {
    pub ufrag: &'a str,
    pub password: &'a str,
    /// SHA-256, upper-case hex with colons.
    pub fingerprint: &'a str,
    pub address: SocketAddr,
}

/// What the server says of itself.
#[derive(Debug)]
pub struct Remote {
    pub ufrag: String,
    pub password: String,
    pub fingerprint: Vec<u8>,
    pub address: SocketAddr,
    /// Whether the server waits for our ClientHello.
    pub passive: bool,
    pub vp8_payload_type: u8,
}

/// The publisher's offer: one VP8 stream with SSRC `ssrc`.
pub fn offer(local: &Local, ssrc: u32) -> String {
    let mut sdp = session("0");
    media(&mut sdp, local, "96", "0", "actpass", "sendonly");
    let _ = write!(
        sdp,
        "a=msid:load video\r\na=rtpmap:96 VP8/90000\r\na=rtcp-fb:96 nack\r\na=rtcp-fb:96 nack pli\r\n\
         a=rtcp-fb:96 ccm fir\r\na=ssrc:{ssrc} cname:load\r\na=ssrc:{ssrc} msid:load video\r\n"
    );
    sdp
}

/// The answer to a subscribe offer: VP8 is taken, without RTX and header extensions; every other m-line is rejected.
pub fn answer(offer: &str, local: &Local) -> Result<String> {
    let sections: Vec<&str> = offer.split("\r\nm=").skip(1).collect();
    let mut accepted = Vec::new();
    let mut body = String::new();
    for section in &sections {
        let mid = value(section, "a=mid:").ok_or("an m-line of the offer has no mid")?;
        match vp8_payload_type(section) {
            Some(payload_type) if section.starts_with("video ") => {
                accepted.push(mid);
                media(&mut body, local, &payload_type.to_string(), mid, "active", "recvonly");
                let _ = write!(body, "a=rtpmap:{payload_type} VP8/90000\r\n");
                let feedback = format!("a=rtcp-fb:{payload_type} ");
                for line in section.lines().filter(|line| {
                    line.strip_prefix(&feedback)
                        .is_some_and(|kind| ["nack", "nack pli", "ccm fir"].contains(&kind))
                }) {
                    let _ = write!(body, "{line}\r\n");
                }
            }
            _ => {
                let line = section.lines().next().unwrap_or_default();
                let (kind, rest) = line.split_once(' ').ok_or("an m-line of the offer is cut short")?;
                let rest = rest.split_once(' ').map_or(rest, |(_, rest)| rest);
                let _ =
                    write!(body, "m={kind} 0 {rest}\r\nc=IN IP4 0.0.0.0\r\na=mid:{mid}\r\na=inactive\r\n");
            }
        }
    }
    if accepted.is_empty() {
        return Err("the offer has no VP8".into());
    }
    Ok(session(&accepted.join(" ")) + &body)
}

/// Reads a description of the server; what is the same for all m-lines of a bundle is taken where it first stands.
pub fn parse(sdp: &str) -> Result<Remote> {
    let need = |name: &'static str| value(sdp, name).ok_or(format!("the description has no {name}"));
    let fingerprint = sdp
        .lines()
        .find_map(|line| line.strip_prefix("a=fingerprint:")?.strip_prefix("sha-256 "))
        .ok_or("the description has no SHA-256 fingerprint")?;
    let bytes: std::result::Result<Vec<u8>, _> =
        fingerprint.trim().split(':').map(|byte| u8::from_str_radix(byte, 16)).collect();
    Ok(Remote {
        ufrag: need("a=ice-ufrag:")?.to_owned(),
        password: need("a=ice-pwd:")?.to_owned(),
        fingerprint: bytes?,
        address: candidate(sdp).ok_or("the description has no UDP host candidate")?,
        passive: value(sdp, "a=setup:") != Some("active"),
        vp8_payload_type: vp8_payload_type(sdp).ok_or("the description has no VP8")?,
    })
}

fn session(mids: &str) -> String {
    format!(
        "v=0\r\no=- 1 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=group:BUNDLE {mids}\r\na=msid-semantic: WMS *\r\n"
    )
}

fn media(sdp: &mut String, local: &Local, payload_types: &str, mid: &str, setup: &str, direction: &str) {
    let Local { ufrag, password, fingerprint, address } = local;
    let _ = write!(
        sdp,
        "m=video 9 UDP/TLS/RTP/SAVPF {payload_types}\r\nc=IN IP4 0.0.0.0\r\na=rtcp:9 IN IP4 0.0.0.0\r\n\
         a=ice-ufrag:{ufrag}\r\na=ice-pwd:{password}\r\na=fingerprint:sha-256 {fingerprint}\r\na=setup:{setup}\r\n\
         a=mid:{mid}\r\na={direction}\r\na=rtcp-mux\r\na=candidate:1 1 udp 2130706431 {} {} typ host\r\n\
         a=end-of-candidates\r\n",
        address.ip(),
        address.port()
    );
}

fn value<'a>(sdp: &'a str, name: &str) -> Option<&'a str> {
    sdp.lines().find_map(|line| line.strip_prefix(name)).map(str::trim)
}

fn vp8_payload_type(sdp: &str) -> Option<u8> {
    sdp.lines().find_map(|line| {
        let (payload_type, codec) = line.strip_prefix("a=rtpmap:")?.split_once(' ')?;
        codec.starts_with("VP8/").then(|| payload_type.parse().ok())?
    })
}

fn candidate(sdp: &str) -> Option<SocketAddr> {
    sdp.lines().find_map(|line| {
        let fields: Vec<&str> = line.strip_prefix("a=candidate:")?.split_ascii_whitespace().collect();
        let is_host = fields.get(6..8)? == ["typ", "host"] && fields.get(2)?.eq_ignore_ascii_case("udp");
        let address = SocketAddrV4::new(fields.get(4)?.parse().ok()?, fields.get(5)?.parse().ok()?);
        is_host.then_some(SocketAddr::V4(address))
    })
}
