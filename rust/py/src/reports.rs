//! Reports as Python sees them: frozen classes with names, made by the module or, in tests, by Python.

use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList, PyTuple};
use visavis_dataplane::Report;
use visavis_dataplane::api::{Figure, Figures, StunOutcome};

/// A frozen class with keyword or positional construction, attributes, `match` and a representation.
macro_rules! report {
    ($(#[$doc:meta])* $name:ident { $($field:ident: $type:ty $(= $default:expr)?),* $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug)]
        #[pyclass(frozen, get_all, module = "visavis.dataplane._native")]
        pub struct $name { $($field: $type),* }

        #[pymethods]
        impl $name {
            #[new]
            #[pyo3(signature = ($($field $(= $default)?),*))]
            #[allow(clippy::too_many_arguments, reason = "one a field")]
            fn new($($field: $type),*) -> $name {
                $name { $($field),* }
            }

            #[classattr]
            fn __match_args__(py: Python<'_>) -> PyResult<Bound<'_, PyTuple>> {
                PyTuple::new(py, [$(stringify!($field)),*])
            }

            fn __repr__(slf: &Bound<'_, Self>) -> PyResult<String> {
                let fields = [$(format!("{}={}", stringify!($field), slf.getattr(stringify!($field))?.repr()?)),*];
                Ok(format!("{}({})", stringify!($name), fields.join(", ")))
            }
        }
    };
}

report! {
    /// A transport changed state.
    TransportState {
        transport: u32,
        state: String,
        reason: String = String::new(),
        remote: String = String::new(),
        dtls_version: String = String::new(),
        dtls_cipher: String = String::new(),
        srtp_profile: String = String::new(),
        certificate: Vec<u8> = Vec::new(),
    }
}

report! {
    /// Media of a track layer started or stopped.
    TrackState { track: u32, layer: u8, active: bool, payload_type: u8 }
}

report! {
    /// What a slot carries changed.
    Forwarding { transport: u32, slot: u16, layer: i16, reason: String }
}

report! {
    /// Who is heard.
    AudioLevels { levels: Vec<(u32, i8)> }
}

report! {
    /// Figures of one transport.
    TransportStats { transport: u32, values: Py<PyDict>, received: Py<PyList>, sent: Py<PyList> }
}

report! {
    /// A pair's check ended.
    PairState {
        transport: u32,
        pair: u32,
        state: String,
        mapped: String = String::new(),
        rtt_s: f64 = 0.0,
        reason: String = String::new(),
    }
}

report! {
    /// A check came from a candidate that was not known.
    PairLearnt { transport: u32, pair: u32, socket: u32, remote: (String, u16), priority: u32 }
}

report! {
    /// Media goes over another pair.
    PairSelected { transport: u32, pair: u32, reason: String }
}

report! {
    /// A role conflict was resolved by changing ours.
    RoleChanged { transport: u32, controlling: bool }
}

report! {
    /// A transport's own socket cannot be used any more.
    SocketLost { transport: u32, socket: u32 }
}

report! {
    /// A request to a server ended.
    StunResult {
        transport: u32,
        request: u32,
        code: i16,
        attributes: Vec<(u16, Vec<u8>)> = Vec::new(),
        rtt_s: f64 = 0.0,
        transaction: Vec<u8> = Vec::new(),
    }
}

report! {
    /// The encoder of a local source is asked for a key frame.
    KeyFrameWanted { track: u32, layer: u8 }
}

report! {
    /// What the network carries of a transport.
    TargetBitrate { transport: u32, bps: u64 }
}

report! {
    /// Frames wait at a receiver of a track.
    FramesReady { track: u32 }
}

report! {
    /// The association of a transport changed state.
    AssociationState {
        transport: u32,
        state: String,
        reason: String = String::new(),
        inbound: u16 = 0,
        outbound: u16 = 0,
        association: u32 = 0,
    }
}

report! {
    /// Messages of an association wait to be read.
    MessagesReady { transport: u32 }
}

report! {
    /// A thread of the data plane is lost by a defect.
    Fatal { thread: u8, message: String }
}

/// One report as an object of its class.
pub fn to_python(py: Python<'_>, report: Report) -> PyResult<Py<PyAny>> {
    Ok(match report {
        Report::Transport {
            id,
            state,
            reason,
            remote,
            dtls_version,
            dtls_cipher,
            srtp_profile,
            certificate,
        } => {
            let report = TransportState {
                transport: id.0,
                state: state.as_str().into(),
                reason: reason.into(),
                remote: remote.map(|remote| remote.to_string()).unwrap_or_default(),
                dtls_version: dtls_version.into(),
                dtls_cipher,
                srtp_profile: srtp_profile.into(),
                certificate,
            };
            Py::new(py, report)?.into_any()
        }
        Report::Track { track, layer, active, payload_type } => {
            Py::new(py, TrackState { track: track.0, layer, active, payload_type })?.into_any()
        }
        Report::Forwarding { id, slot, layer, reason } => {
            let layer = layer.map_or(-1, i16::from);
            let reason = reason.as_str().into();
            Py::new(py, Forwarding { transport: id.0, slot: slot.0, layer, reason })?.into_any()
        }
        Report::AudioLevels { levels } => {
            let levels = levels.into_iter().map(|(track, level)| (track.0, level)).collect();
            Py::new(py, AudioLevels { levels })?.into_any()
        }
        Report::Stats { id, values, received, sent } => {
            let report = TransportStats {
                transport: id.0,
                values: figures(py, values)?.unbind(),
                received: streams(py, received)?.unbind(),
                sent: streams(py, sent)?.unbind(),
            };
            Py::new(py, report)?.into_any()
        }
        Report::PairState { id, pair, succeeded, mapped, round_trip, reason } => {
            let report = PairState {
                transport: id.0,
                pair: pair.0,
                state: if succeeded { "succeeded" } else { "failed" }.into(),
                mapped: mapped.map(|mapped| mapped.to_string()).unwrap_or_default(),
                rtt_s: round_trip.as_secs_f64(),
                reason: reason.into(),
            };
            Py::new(py, report)?.into_any()
        }
        Report::PairLearnt { id, pair, socket, remote, priority } => {
            let remote = (remote.ip().to_string(), remote.port());
            let report = PairLearnt { transport: id.0, pair: pair.0, socket: socket.0, remote, priority };
            Py::new(py, report)?.into_any()
        }
        Report::PairSelected { id, pair, reason } => {
            Py::new(py, PairSelected { transport: id.0, pair: pair.0, reason: reason.into() })?.into_any()
        }
        Report::RoleChanged { id, controlling } => {
            Py::new(py, RoleChanged { transport: id.0, controlling })?.into_any()
        }
        Report::SocketLost { id, socket } => {
            Py::new(py, SocketLost { transport: id.0, socket: socket.0 })?.into_any()
        }
        Report::StunResult { id, request, outcome, attributes, round_trip, transaction } => {
            let report = StunResult {
                transport: id.0,
                request,
                code: stun_code(outcome),
                attributes,
                rtt_s: round_trip.as_secs_f64(),
                transaction: transaction.to_vec(),
            };
            Py::new(py, report)?.into_any()
        }
        Report::KeyFrameWanted { track, layer } => {
            Py::new(py, KeyFrameWanted { track: track.0, layer })?.into_any()
        }
        Report::TargetBitrate { id, bps } => Py::new(py, TargetBitrate { transport: id.0, bps })?.into_any(),
        Report::FramesReady { track } => Py::new(py, FramesReady { track: track.0 })?.into_any(),
        Report::Association { id, state, reason, inbound, outbound } => {
            let (state, reason) = (state.as_str().into(), reason.into());
            let (transport, association) = (id.transport.0, id.number);
            let report = AssociationState { transport, state, reason, inbound, outbound, association };
            Py::new(py, report)?.into_any()
        }
        Report::MessagesReady { id } => Py::new(py, MessagesReady { transport: id.0 })?.into_any(),
        Report::Fatal { shard, message } => Py::new(py, Fatal { thread: shard.0, message })?.into_any(),
    })
}

fn stun_code(outcome: StunOutcome) -> i16 {
    match outcome {
        StunOutcome::Success => 0,
        StunOutcome::Error(code) => i16::try_from(code).unwrap_or(i16::MAX),
        StunOutcome::TimedOut => -1,
        StunOutcome::NotSent => -2,
    }
}

fn figures(py: Python<'_>, figures: Figures) -> PyResult<Bound<'_, PyDict>> {
    let dict = PyDict::new(py);
    for (name, figure) in figures {
        match figure {
            Figure::Int(value) => dict.set_item(name, value)?,
            Figure::Float(value) => dict.set_item(name, value)?,
            Figure::Text(value) => dict.set_item(name, value)?,
        }
    }
    Ok(dict)
}

fn streams(py: Python<'_>, streams: Vec<Figures>) -> PyResult<Bound<'_, PyList>> {
    let dicts: Vec<_> = streams.into_iter().map(|stream| figures(py, stream)).collect::<PyResult<_>>()?;
    PyList::new(py, dicts)
}
