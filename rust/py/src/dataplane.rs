//! The data plane's handle.

use std::net::{IpAddr, SocketAddr};
use std::os::fd::{AsRawFd, RawFd};

use pyo3::buffer::PyBuffer;
use pyo3::exceptions::{PyOSError, PyRuntimeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString};
use visavis_dataplane::Command;
use visavis_dataplane::api::{TrackId, TransportId};
use visavis_net::{
    BUFFERED_BYTES, MAX_ADDRESSES, MAX_THREADS, Plane, PlaneConfig, PlaneError, ReceiveFrames, StartError,
};

use crate::certificate::Certificate;
use crate::frames::{Arguments, FrameReceiver, MAX_CAPACITY, PythonClock};
use crate::{channels, commands, frames, reports, validate};

/// The most reports that one `drain` takes.
const REPORTS_PER_DRAIN: usize = 4_096;

/// The data plane: `threads` threads which share each UDP address in `addresses` (ip, port; port 0 picks one); there may be
/// none, as transports can have sockets of their own.
#[derive(Debug)]
#[pyclass(frozen, module = "visavis.dataplane._native")]
pub struct DataPlane {
    plane: Plane,
    clock: PythonClock,
}

#[pymethods]
impl DataPlane {
    #[new]
    #[pyo3(signature = (addresses, *, threads, certificate))]
    fn new(
        py: Python<'_>,
        addresses: Vec<(String, i64)>,
        threads: i64,
        certificate: &Bound<'_, Certificate>,
    ) -> PyResult<DataPlane> {
        let threads = u8::try_from(threads).ok().filter(|threads| (1..=MAX_THREADS).contains(threads));
        let threads =
            threads.ok_or_else(|| PyValueError::new_err(format!("threads: not 1 to {MAX_THREADS}")))?;
        if addresses.len() > MAX_ADDRESSES {
            return Err(PyValueError::new_err(format!("addresses: more than {MAX_ADDRESSES} of them")));
        }
        let addresses = addresses.iter().map(|(ip, port)| address(ip, *port)).collect::<PyResult<_>>()?;
        let certificate = certificate.get().inner.clone();
        let config = PlaneConfig { addresses, threads, certificate };
        let plane = py.detach(|| Plane::start(config)).map_err(start_error)?;
        let clock = PythonClock::of(py, plane.clock())?;
        Ok(DataPlane { plane, clock })
    }

    /// The bound addresses, with real ports.
    #[getter]
    fn local_addresses(&self) -> Vec<(String, u16)> {
        self.plane
            .local_addresses()
            .iter()
            .map(|address| (address.ip().to_string(), address.port()))
            .collect()
    }

    /// A descriptor that is readable while reports wait. It belongs to the data plane; do not close it.
    fn fileno(&self) -> RawFd {
        self.plane.fd().as_raw_fd()
    }

    /// Hands commands to their threads, in order per thread; does not wait for them.
    fn submit(&self, py: Python<'_>, commands: &Bound<'_, PyAny>) -> PyResult<()> {
        if commands.is_instance_of::<PyString>() {
            return Err(pyo3::exceptions::PyTypeError::new_err("a str is no sequence of commands"));
        }
        let shards = self.plane.shards();
        let read = |command: PyResult<Bound<'_, PyAny>>| commands::read(&command?, shards);
        let commands: Vec<Command> = commands.try_iter()?.map(read).collect::<PyResult<_>>()?;
        py.detach(|| self.plane.submit(commands)).map_err(plane_error)
    }

    /// Takes all waiting reports, at most 4,096 a call; the descriptor stays readable while more wait.
    fn drain(&self, py: Python<'_>) -> PyResult<Vec<Py<PyAny>>> {
        let waiting = py.detach(|| self.plane.drain(REPORTS_PER_DRAIN)).map_err(plane_error)?;
        waiting.into_iter().map(|report| reports::to_python(py, report)).collect()
    }

    /// Hands an encoded frame to a source.
    #[pyo3(signature = (track, payload_type, timestamp, data, *, key, layer = 0, capture_time_s = None,
        audio_level = None, voice = false))]
    #[allow(clippy::too_many_arguments)]
    fn send_frame(
        &self,
        py: Python<'_>,
        track: u32,
        payload_type: u8,
        timestamp: u32,
        data: PyBuffer<u8>,
        key: bool,
        layer: u8,
        capture_time_s: Option<f64>,
        audio_level: Option<i16>,
        voice: bool,
    ) -> PyResult<bool> {
        let arguments = Arguments { payload_type, timestamp, key, layer, capture_time_s, audio_level, voice };
        let now = self.plane.clock().now();
        let frame = frames::outgoing(py, self.clock, now, &data, &arguments)?;
        py.detach(|| self.plane.send_frame(TrackId(track), frame)).map_err(frames::send_error)
    }

    /// Begins to give out the frames of a layer of a track.
    #[pyo3(signature = (track, kind, *, layer = 0, capacity = 64, announces = false))]
    fn receive_frames(
        &self,
        py: Python<'_>,
        track: u32,
        kind: &str,
        layer: u8,
        capacity: usize,
        announces: bool,
    ) -> PyResult<FrameReceiver> {
        validate::shard(track, self.plane.shards())
            .map_err(|what| PyValueError::new_err(format!("track: {what}")))?;
        let known = commands::KINDS.iter().find(|(word, _)| *word == kind);
        let &(_, kind) =
            known.ok_or_else(|| PyValueError::new_err(format!("kind: {kind:?} is none of audio, video")))?;
        if !(1..=MAX_CAPACITY).contains(&capacity) {
            return Err(PyValueError::new_err(format!("capacity: {capacity} is not 1 to {MAX_CAPACITY}")));
        }
        let request = ReceiveFrames { track: TrackId(track), kind, layer, capacity, announces };
        let inner = py.detach(|| self.plane.receive_frames(request)).map_err(plane_error)?;
        Ok(FrameReceiver { inner, clock: self.clock })
    }

    /// Hands a message to the association of a transport.
    #[pyo3(signature = (transport, stream, ppid, data, *, ordered = true, max_retransmits = None,
        lifetime_ms = None, priority = 256))]
    #[allow(clippy::too_many_arguments)]
    fn send_message(
        &self,
        py: Python<'_>,
        transport: u32,
        stream: u16,
        ppid: u32,
        data: &Bound<'_, PyAny>,
        ordered: bool,
        max_retransmits: Option<u32>,
        lifetime_ms: Option<u32>,
        priority: u16,
    ) -> PyResult<bool> {
        let arguments = channels::Arguments { stream, ppid, ordered, max_retransmits, lifetime_ms, priority };
        let message = channels::outgoing(py, data, BUFFERED_BYTES, arguments)?;
        let id = TransportId(transport);
        py.detach(|| self.plane.send_message(id, message)).map_err(channels::channel_error)
    }

    /// Takes what came by the association of a transport, as much as is read at once, and what has left.
    fn read_messages<'py>(&self, py: Python<'py>, transport: u32) -> PyResult<channels::PythonArrivals<'py>> {
        let id = TransportId(transport);
        let arrivals = py.detach(|| self.plane.read_messages(id)).map_err(channels::channel_error)?;
        channels::to_python(py, arrivals)
    }

    /// So many bytes of what was read are used up.
    fn release_messages(&self, py: Python<'_>, transport: u32, count_bytes: usize) -> PyResult<()> {
        let id = TransportId(transport);
        py.detach(|| self.plane.release_messages(id, count_bytes)).map_err(channels::channel_error)
    }

    /// What happened to packets since the start, by reason, over all threads.
    fn counters<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let counters = PyDict::new(py);
        for (name, value) in self.plane.counters() {
            counters.set_item(name, value)?;
        }
        Ok(counters)
    }

    /// Stops and joins the threads; each transport says close_notify. Idempotent; returns in bounded time.
    fn close(&self, py: Python<'_>) -> PyResult<()> {
        py.detach(|| self.plane.close()).map_err(plane_error)
    }
}

fn address(ip: &str, port: i64) -> PyResult<SocketAddr> {
    let address: IpAddr =
        ip.parse().map_err(|_| PyValueError::new_err(format!("addresses: {ip:?} is no IP address")))?;
    let port =
        u16::try_from(port).map_err(|_| PyValueError::new_err(format!("addresses: {port} is no port")))?;
    Ok(SocketAddr::new(address, port))
}

fn plane_error(error: PlaneError) -> PyErr {
    PyRuntimeError::new_err(error.to_string())
}

/// As Python's own sockets say it: OSError's subclass follows from the number, and the address is the file name.
fn start_error(error: StartError) -> PyErr {
    let StartError { address, error } = error;
    let Some(number) = error.raw_os_error() else { return PyOSError::new_err(error.to_string()) };
    let text = error.to_string();
    let text = text.split(" (os error").next().unwrap_or_default().to_string();
    match address {
        Some(address) => PyOSError::new_err((number, text, address.to_string())),
        None => PyOSError::new_err((number, text)),
    }
}
