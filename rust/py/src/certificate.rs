//! The certificate that every transport shows.

use std::time::Duration;

use pyo3::exceptions::{PyOSError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::PyBytes;
use visavis_dataplane::dtls;

/// An ECDSA key with a self-signed X.509 certificate for DTLS; the key never reaches Python.
#[derive(Debug)]
#[pyclass(frozen, module = "visavis.dataplane._native")]
pub struct Certificate {
    pub inner: dtls::Certificate,
}

#[pymethods]
impl Certificate {
    /// Makes a new one over a curve, valid from now for a time. Raises ValueError for another curve or an impossible time,
    /// OSError when the system has no randomness.
    #[staticmethod]
    #[pyo3(signature = (curve = "P-256", *, valid_s = 31_536_000.0))]
    fn generate(py: Python<'_>, curve: &str, valid_s: f64) -> PyResult<Certificate> {
        let curve = match curve {
            "P-256" => dtls::Curve::P256,
            "P-384" => dtls::Curve::P384,
            _ => return Err(PyValueError::new_err(format!("a curve is P-256 or P-384, not {curve:?}"))),
        };
        let valid = Duration::try_from_secs_f64(valid_s)
            .map_err(|error| PyValueError::new_err(format!("valid_s is {valid_s}: {error}")))?;
        let made = py.detach(|| dtls::Certificate::over(curve, valid));
        let inner = made.map_err(|error| PyOSError::new_err(error.to_string()))?;
        Ok(Certificate { inner })
    }

    /// The certificate in DER (RFC 5280).
    #[getter]
    fn der<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        PyBytes::new(py, self.inner.der())
    }

    /// SHA-256 of the DER form, 32 bytes (RFC 8122 section 5).
    #[getter]
    fn fingerprint<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        PyBytes::new(py, &self.inner.fingerprint_sha256())
    }
}
