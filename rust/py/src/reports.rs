//! Reports as Python sees them: frozen classes with names, made by the module or, in tests, by Python.

use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList, PyTuple};
use visavis_dataplane::Report;
use visavis_dataplane::api::{Figure, Figures};

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
    /// A thread of the data plane is lost by a defect.
    Fatal { thread: u8, message: String }
}

/// One report as an object of its class.
pub fn to_python(py: Python<'_>, report: Report) -> PyResult<Py<PyAny>> {
    Ok(match report {
        Report::Transport { id, state, reason, remote, dtls_version, dtls_cipher, srtp_profile } => {
            let report = TransportState {
                transport: id.0,
                state: state.as_str().into(),
                reason: reason.into(),
                remote: remote.map(|remote| remote.to_string()).unwrap_or_default(),
                dtls_version: dtls_version.into(),
                dtls_cipher,
                srtp_profile: srtp_profile.into(),
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
        Report::KeyFrameWanted { track, layer } => {
            Py::new(py, KeyFrameWanted { track: track.0, layer })?.into_any()
        }
        Report::TargetBitrate { id, bps } => Py::new(py, TargetBitrate { transport: id.0, bps })?.into_any(),
        Report::FramesReady { track } => Py::new(py, FramesReady { track: track.0 })?.into_any(),
        Report::Fatal { shard, message } => Py::new(py, Fatal { thread: shard.0, message })?.into_any(),
    })
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
