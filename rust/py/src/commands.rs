//! From the dataclasses of `commands.py` to commands, checked.

use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use visavis_dataplane::Command;
use visavis_dataplane::api::{
    AssociationId, Codec, DtlsRole, Extension, Fingerprint, Kind, PairId, Payload, PayloadMap,
    ReceiveSection, Rung, SendSlot, SlotId, SocketNumber, SourcePayload, TrackId, TransportId,
};
use visavis_dataplane::frames::packetiser::is_supported;
use visavis_dataplane::ice::Credentials;

use crate::fields::Fields;
use crate::{channels, ice, validate};

const ROLES: &[(&str, DtlsRole)] = &[("client", DtlsRole::Client), ("server", DtlsRole::Server)];
pub const KINDS: &[(&str, Kind)] = &[("audio", Kind::Audio), ("video", Kind::Video)];
const CODECS: &[(&str, Codec)] = &[
    ("opus", Codec::Opus),
    ("vp8", Codec::Vp8),
    ("vp9", Codec::Vp9),
    ("h264", Codec::H264),
    ("av1", Codec::Av1),
    ("other", Codec::Other),
];
const EXTENSIONS: &[(&str, Extension); Extension::COUNT] = &[
    ("mid", Extension::Mid),
    ("rid", Extension::Rid),
    ("repaired-rid", Extension::RepairedRid),
    ("audio-level", Extension::AudioLevel),
    ("transport-cc", Extension::TransportCc),
    ("abs-send-time", Extension::AbsSendTime),
    ("transmission-offset", Extension::TransmissionOffset),
    ("video-orientation", Extension::VideoOrientation),
    ("playout-delay", Extension::PlayoutDelay),
    ("dependency-descriptor", Extension::DependencyDescriptor),
    ("video-layers-allocation", Extension::VideoLayersAllocation),
];

/// The most m-lines of a transport in one direction.
const SECTIONS: usize = 256;
/// There are no more payload types (RFC 3551 section 6).
const PAYLOADS: usize = 128;
/// The most streams that one m-line names or has.
const STREAMS: usize = 16;
const FINGERPRINTS: usize = 16;
const RUNGS: usize = SECTIONS * STREAMS;

/// Reads one command for a plane of `shards` threads. ValueError or TypeError says which field is wrong, and why.
pub fn read(object: &Bound<'_, PyAny>, shards: u8) -> PyResult<Command> {
    let fields = Fields::of(object)?;
    let transport = || Ok::<_, PyErr>(TransportId(id(&fields, "transport", shards)?));
    let association =
        || Ok::<_, PyErr>(AssociationId { transport: transport()?, number: fields.get("association")? });
    Ok(match fields.class() {
        "OpenTransport" => {
            let id = transport()?;
            Command::OpenTransport {
                id,
                local: local_credentials(&fields, id)?,
                mode: ice::mode(&fields)?,
                certificate: ice::certificate(&fields)?,
            }
        }
        "ConnectTransport" => Command::ConnectTransport {
            id: transport()?,
            remote: Credentials {
                ufrag: text(&fields, "remote_ufrag", validate::ufrag)?,
                password: text(&fields, "remote_password", validate::password)?,
            },
            role: fields.word("role", ROLES)?,
            fingerprints: fingerprints(&fields)?,
        },
        "RestartIce" => {
            let id = transport()?;
            Command::RestartIce {
                id,
                local: local_credentials(&fields, id)?,
                remote: ice::remote_credentials(&fields)?,
            }
        }
        "SetIceRole" => Command::SetIceRole { id: transport()?, controlling: fields.get("controlling")? },
        "RenewDtls" => Command::RenewDtls {
            id: transport()?,
            role: fields.word("role", ROLES)?,
            fingerprints: fingerprints(&fields)?,
        },
        "AddSocket" => ice::add_socket(&fields, transport()?)?,
        "OpenStream" => ice::open_stream(&fields, transport()?)?,
        "AddTcpSocket" => ice::add_tcp_socket(&fields, transport()?)?,
        "RemoveSocket" => {
            Command::RemoveSocket { id: transport()?, socket: ice::own_socket(&fields, "socket")? }
        }
        "SetPairs" => ice::set_pairs(&fields, transport()?)?,
        "AnswerByRelaysOnly" => Command::AnswerByRelaysOnly { id: transport()?, only: fields.get("only")? },
        "Nominate" => Command::Nominate { id: transport()?, pair: PairId(fields.get("pair")?) },
        "SendStun" => ice::send_stun(&fields, transport()?)?,
        "AddRelay" => Command::AddRelay {
            id: transport()?,
            relay: ice::own_socket(&fields, "relay")?,
            socket: SocketNumber(fields.get("socket")?),
            server: ice::address(&fields, "server")?,
        },
        "BindChannel" => ice::bind_channel(&fields, transport()?)?,
        "CloseTransport" => Command::CloseTransport { id: transport()? },
        "Receive" => Command::Receive {
            id: transport()?,
            extensions: extensions(&fields)?,
            sections: fields.each("sections", SECTIONS, |section| receive_section(section, shards))?,
            transport_cc: fields.get("transport_cc")?,
            reduced_size_rtcp: fields.get("reduced_size_rtcp")?,
        },
        "Send" => {
            Command::Send { id: transport()?, extensions: extensions(&fields)?, slots: slots(&fields)? }
        }
        "Route" => Command::Route {
            id: transport()?,
            slot: SlotId(fields.get("slot")?),
            track: optional_track(&fields, shards)?,
            payloads: fields.each("payloads", PAYLOADS, payload_map)?,
        },
        "SetLadder" => Command::SetLadder { id: transport()?, rungs: fields.each("rungs", RUNGS, rung)? },
        "RequestKeyFrame" => Command::RequestKeyFrame { track: TrackId(id(&fields, "track", shards)?) },
        "OpenSource" => open_source(&fields, TrackId(id(&fields, "track", shards)?))?,
        "CloseSource" => Command::CloseSource { track: TrackId(id(&fields, "track", shards)?) },
        "OpenAssociation" => channels::open(&fields, association()?)?,
        "ResetStreams" => channels::reset(&fields, association()?)?,
        "CloseAssociation" => Command::CloseAssociation { id: association()? },
        "RequestStats" => Command::RequestStats { id: transport()? },
        other => return Err(PyTypeError::new_err(format!("a {other} is no command"))),
    })
}

fn id(fields: &Fields<'_, '_>, name: &str, shards: u8) -> PyResult<u32> {
    let id = fields.get(name)?;
    validate::shard(id, shards).map_err(|what| fields.wrong(name, what))?;
    Ok(id)
}

fn text(fields: &Fields<'_, '_>, name: &str, check: impl Fn(&str) -> Result<(), String>) -> PyResult<String> {
    let text: String = fields.get(name)?;
    check(&text).map_err(|what| fields.wrong(name, what))?;
    Ok(text)
}

fn local_credentials(fields: &Fields<'_, '_>, id: TransportId) -> PyResult<Credentials> {
    Ok(Credentials {
        ufrag: text(fields, "ufrag", |ufrag| validate::local_ufrag(ufrag, id.shard()))?,
        password: text(fields, "password", validate::password)?,
    })
}

fn optional_track(fields: &Fields<'_, '_>, shards: u8) -> PyResult<Option<TrackId>> {
    let track: Option<u32> = fields.get("track")?;
    if let Some(track) = track {
        validate::shard(track, shards).map_err(|what| fields.wrong("track", what))?;
    }
    Ok(track.map(TrackId))
}

fn payload_type(fields: &Fields<'_, '_>, name: &str) -> PyResult<u8> {
    let number = fields.get(name)?;
    validate::payload_type(number).map_err(|what| fields.wrong(name, what))?;
    Ok(number)
}

fn optional_payload_type(fields: &Fields<'_, '_>, name: &str) -> PyResult<Option<u8>> {
    let number: Option<u8> = fields.get(name)?;
    if let Some(number) = number {
        validate::payload_type(number).map_err(|what| fields.wrong(name, what))?;
    }
    Ok(number)
}

fn extensions(fields: &Fields<'_, '_>) -> PyResult<Vec<(u8, Extension)>> {
    let extensions = fields.numbered("extensions", EXTENSIONS)?;
    for (id, _) in &extensions {
        validate::extension_id(*id).map_err(|what| fields.wrong("extensions", what))?;
    }
    Ok(extensions)
}

fn fingerprints(fields: &Fields<'_, '_>) -> PyResult<Vec<Fingerprint>> {
    let fingerprints = fields.each("fingerprints", FINGERPRINTS, |object| {
        let fields = Fields::of(object)?;
        let (algorithm, digest): (String, Vec<u8>) = (fields.get("algorithm")?, fields.get("digest")?);
        validate::fingerprint(&algorithm, &digest).map_err(|what| fields.wrong("digest", what))?;
        Ok(Fingerprint { algorithm, digest })
    })?;
    if fingerprints.is_empty() {
        return Err(fields.wrong("fingerprints", "there is none, so no certificate could be trusted"));
    }
    Ok(fingerprints)
}

fn receive_section(object: &Bound<'_, PyAny>, shards: u8) -> PyResult<ReceiveSection> {
    let fields = Fields::of(object)?;
    let rids: Vec<String> = fields.list("rids", STREAMS)?;
    rids.iter().try_for_each(|rid| validate::label(rid)).map_err(|what| fields.wrong("rids", what))?;
    validate::distinct(&rids).map_err(|what| fields.wrong("rids", what))?;
    let payloads = fields.each("payloads", PAYLOADS, payload)?;
    let types = payloads.iter().flat_map(|payload| [Some(payload.payload_type), payload.rtx_payload_type]);
    validate::distinct(types.flatten()).map_err(|what| fields.wrong("payloads", what))?;
    Ok(ReceiveSection {
        track: TrackId(id(&fields, "track", shards)?),
        mid: text(&fields, "mid", validate::label)?,
        kind: fields.word("kind", KINDS)?,
        payloads,
        ssrcs: fields.list("ssrcs", STREAMS)?,
        rids,
    })
}

fn payload(object: &Bound<'_, PyAny>) -> PyResult<Payload> {
    let fields = Fields::of(object)?;
    Ok(Payload {
        payload_type: payload_type(&fields, "payload_type")?,
        codec: fields.word("codec", CODECS)?,
        clock_hz: clock_hz(&fields)?,
        rtx_payload_type: optional_payload_type(&fields, "rtx_payload_type")?,
        nack: fields.get("nack")?,
        pli: fields.get("pli")?,
        fir: fields.get("fir")?,
    })
}

fn open_source(fields: &Fields<'_, '_>, track: TrackId) -> PyResult<Command> {
    let kind = fields.word("kind", KINDS)?;
    let payloads = fields.each("payloads", PAYLOADS, |object| source_payload(object, kind))?;
    validate::distinct(payloads.iter().map(|payload| payload.payload_type))
        .map_err(|what| fields.wrong("payloads", what))?;
    Ok(Command::OpenSource { track, kind, payloads, wanted_bps: fields.get("wanted_bps")? })
}

fn source_payload(object: &Bound<'_, PyAny>, kind: Kind) -> PyResult<SourcePayload> {
    let fields = Fields::of(object)?;
    let codec = fields.word("codec", CODECS)?;
    if !is_supported(kind, codec) {
        return Err(fields.wrong("codec", "frames of this codec can only be forwarded"));
    }
    let payload_type = payload_type(&fields, "payload_type")?;
    Ok(SourcePayload { payload_type, codec, clock_hz: clock_hz(&fields)? })
}

fn clock_hz(fields: &Fields<'_, '_>) -> PyResult<u32> {
    match fields.get("clock_hz")? {
        0 => Err(fields.wrong("clock_hz", "a clock of 0 Hz")),
        clock_hz => Ok(clock_hz),
    }
}

fn slots(fields: &Fields<'_, '_>) -> PyResult<Vec<SendSlot>> {
    let slots = fields.each("slots", SECTIONS, send_slot)?;
    let wrong = |what| fields.wrong("slots", what);
    validate::distinct(slots.iter().map(|slot| slot.slot.0)).map_err(|what| wrong(format!("slot {what}")))?;
    let name = |slot: &SendSlot| {
        [Some(&*slot.mid), slot.rid.as_deref()].into_iter().flatten().collect::<Vec<_>>().join(" ")
    };
    validate::distinct(slots.iter().map(name)).map_err(|what| wrong(format!("MID {what}")))?;
    let ssrcs = slots.iter().flat_map(|slot| [Some(slot.ssrc), slot.rtx_ssrc]).flatten();
    validate::distinct(ssrcs).map_err(|what| wrong(format!("SSRC {what}")))?;
    Ok(slots)
}

fn send_slot(object: &Bound<'_, PyAny>) -> PyResult<SendSlot> {
    let fields = Fields::of(object)?;
    Ok(SendSlot {
        slot: SlotId(fields.get("slot")?),
        mid: text(&fields, "mid", validate::label)?,
        rid: optional_label(&fields, "rid")?,
        kind: fields.word("kind", KINDS)?,
        ssrc: fields.get("ssrc")?,
        rtx_ssrc: fields.get("rtx_ssrc")?,
        cname: text(&fields, "cname", validate::cname)?,
    })
}

fn optional_label(fields: &Fields<'_, '_>, name: &str) -> PyResult<Option<String>> {
    let label: Option<String> = fields.get(name)?;
    if let Some(label) = &label {
        validate::label(label).map_err(|what| fields.wrong(name, what))?;
    }
    Ok(label)
}

fn payload_map(object: &Bound<'_, PyAny>) -> PyResult<PayloadMap> {
    let fields = Fields::of(object)?;
    Ok(PayloadMap {
        from: payload_type(&fields, "from_payload_type")?,
        to: payload_type(&fields, "to_payload_type")?,
        to_rtx: optional_payload_type(&fields, "to_rtx_payload_type")?,
    })
}

fn rung(object: &Bound<'_, PyAny>) -> PyResult<Rung> {
    let fields = Fields::of(object)?;
    Ok(Rung { slot: SlotId(fields.get("slot")?), layer: fields.get("layer")? })
}
