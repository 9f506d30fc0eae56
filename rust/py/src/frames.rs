//! Frames between Python and the data plane: copied where they cross, waited for without the GIL.

use std::time::Duration;

use pyo3::buffer::PyBuffer;
use pyo3::exceptions::{PyRuntimeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyTuple};
use visavis_dataplane::Time;
use visavis_dataplane::frames::{self, OutgoingFrame};
use visavis_net::{Clock, PlaneError, SendError};
use visavis_wire::ext::AudioLevel;

/// The longest wait: a thread that waits for ever cannot be ended.
const LONGEST_WAIT_S: f64 = 3_600.0;
/// The most frames that a receiver may let wait.
pub const MAX_CAPACITY: usize = 4_096;

/// The clock of `time.monotonic()`, by which Python tells times, against the data plane's.
#[derive(Clone, Copy, Debug)]
pub struct PythonClock {
    /// What Python's clock shows at `Time::ZERO`, in seconds.
    zero_s: f64,
}

impl PythonClock {
    pub fn of(py: Python<'_>, clock: Clock) -> PyResult<PythonClock> {
        let monotonic: f64 = py.import("time")?.call_method0("monotonic")?.extract()?;
        Ok(PythonClock { zero_s: monotonic - seconds(clock.now()) })
    }

    fn to_python(self, time: Time) -> f64 {
        self.zero_s + seconds(time)
    }

    /// Times before the plane's start become its start.
    fn time_at(self, time_s: f64) -> PyResult<Time> {
        if !time_s.is_finite() {
            return Err(PyValueError::new_err(format!("capture_time_s: {time_s} is no time")));
        }
        Ok(Time::from_nanos(((time_s - self.zero_s) * 1e9).max(0.0) as u64))
    }
}

fn seconds(time: Time) -> f64 {
    time.as_nanos() as f64 / 1e9
}

/// What `send_frame` is called with, besides the track.
#[derive(Debug)]
pub struct Arguments {
    pub payload_type: u8,
    pub timestamp: u32,
    pub key: bool,
    pub layer: u8,
    pub capture_time_s: Option<f64>,
    pub audio_level: Option<i16>,
    pub voice: bool,
}

/// The frame that these are of, with a copy of its data.
pub fn outgoing(
    py: Python<'_>,
    clock: PythonClock,
    now: Time,
    data: &PyBuffer<u8>,
    arguments: &Arguments,
) -> PyResult<OutgoingFrame> {
    let audio_level = arguments.audio_level.map(|dbov| match dbov {
        -127..=0 => Ok(AudioLevel { voice: arguments.voice, level: dbov.unsigned_abs() as u8 }),
        _ => Err(PyValueError::new_err(format!("audio_level: {dbov} is not -127 to 0 dBov"))),
    });
    if data.len_bytes() > frames::MAX_FRAME_BYTES {
        return Err(PyValueError::new_err(format!(
            "data: {} bytes, and a frame may have {}",
            data.len_bytes(),
            frames::MAX_FRAME_BYTES
        )));
    }
    Ok(OutgoingFrame {
        layer: arguments.layer,
        payload_type: arguments.payload_type,
        timestamp: arguments.timestamp,
        captured: arguments.capture_time_s.map_or(Ok(now), |time_s| clock.time_at(time_s))?,
        key: arguments.key,
        audio_level: audio_level.transpose()?,
        data: data.to_vec(py)?,
    })
}

pub fn send_error(error: SendError) -> PyErr {
    match error {
        SendError::Plane(error) => PyRuntimeError::new_err(error.to_string()),
        SendError::Frame(refusal) => PyValueError::new_err(refusal.to_string()),
    }
}

/// A whole encoded frame of a track.
#[derive(Debug)]
#[pyclass(frozen, get_all, module = "visavis.dataplane._native")]
pub struct Frame {
    data: Py<PyBytes>,
    timestamp: u64,
    payload_type: u8,
    key: bool,
    received_s: f64,
    capture_time_s: Option<f64>,
    audio_level: Option<i16>,
    voice: bool,
    ssrc: u32,
    csrcs: Py<PyTuple>,
    lost_before: u32,
}

#[pymethods]
impl Frame {
    #[new]
    #[pyo3(signature = (data, timestamp, payload_type, *, key = true, received_s = 0.0, capture_time_s = None,
        audio_level = None, voice = false, ssrc = 0, csrcs = None, lost_before = 0))]
    #[allow(clippy::too_many_arguments)]
    fn new(
        py: Python<'_>,
        data: Py<PyBytes>,
        timestamp: u64,
        payload_type: u8,
        key: bool,
        received_s: f64,
        capture_time_s: Option<f64>,
        audio_level: Option<i16>,
        voice: bool,
        ssrc: u32,
        csrcs: Option<Py<PyTuple>>,
        lost_before: u32,
    ) -> Frame {
        Frame {
            data,
            timestamp,
            payload_type,
            key,
            received_s,
            capture_time_s,
            audio_level,
            voice,
            ssrc,
            csrcs: csrcs.unwrap_or_else(|| PyTuple::empty(py).unbind()),
            lost_before,
        }
    }

    fn __repr__(&self, py: Python<'_>) -> PyResult<String> {
        let bytes = self.data.bind(py).len()?;
        let key = if self.key { "True" } else { "False" };
        Ok(format!(
            "Frame({bytes} bytes, timestamp={}, payload_type={}, key={key}, lost_before={})",
            self.timestamp, self.payload_type, self.lost_before
        ))
    }
}

fn to_python(py: Python<'_>, clock: PythonClock, frame: &frames::Frame) -> PyResult<Frame> {
    Ok(Frame {
        data: PyBytes::new(py, &frame.data).unbind(),
        timestamp: frame.timestamp,
        payload_type: frame.payload_type,
        key: frame.key,
        received_s: clock.to_python(frame.received),
        capture_time_s: frame.captured.map(|captured| clock.to_python(captured)),
        audio_level: frame.audio_level.map(|level| -i16::from(level.level)),
        voice: frame.audio_level.is_some_and(|level| level.voice),
        ssrc: frame.ssrc,
        csrcs: PyTuple::new(py, &frame.csrcs)?.unbind(),
        lost_before: frame.lost_before,
    })
}

/// The frames of one layer of a track, for one who takes them; any thread may.
#[derive(Debug)]
#[pyclass(frozen, module = "visavis.dataplane._native")]
pub struct FrameReceiver {
    pub inner: visavis_net::FrameReceiver,
    pub clock: PythonClock,
}

#[pymethods]
impl FrameReceiver {
    /// Waits for a frame, without the GIL.
    fn wait(&self, py: Python<'_>, timeout_s: f64) -> PyResult<Option<Frame>> {
        if timeout_s.is_nan() {
            return Err(PyValueError::new_err("timeout_s: nan is no time"));
        }
        let timeout = Duration::from_secs_f64(timeout_s.clamp(0.0, LONGEST_WAIT_S));
        let frame = py.detach(|| self.inner.wait(timeout)).map_err(plane_error)?;
        frame.map(|frame| to_python(py, self.clock, &frame)).transpose()
    }

    /// The oldest frame that waits.
    fn try_get(&self, py: Python<'_>) -> PyResult<Option<Frame>> {
        let frame = py.detach(|| self.inner.try_get()).map_err(plane_error)?;
        frame.map(|frame| to_python(py, self.clock, &frame)).transpose()
    }

    /// The track has ended, and all its frames were taken.
    #[getter]
    fn is_ended(&self, py: Python<'_>) -> bool {
        py.detach(|| self.inner.is_ended())
    }

    /// How many frames were dropped because they were not taken in time.
    #[getter]
    fn dropped(&self, py: Python<'_>) -> u64 {
        py.detach(|| self.inner.dropped())
    }

    /// Ends it; threads that wait are told.
    fn close(&self, py: Python<'_>) -> PyResult<()> {
        py.detach(|| self.inner.close()).map_err(plane_error)
    }
}

fn plane_error(error: PlaneError) -> PyErr {
    PyRuntimeError::new_err(error.to_string())
}
