//! The certificate that every transport shows.

use pyo3::exceptions::PyOSError;
use pyo3::prelude::*;
use pyo3::types::PyBytes;
use visavis_dataplane::dtls;

/// An ECDSA P-256 key with a self-signed X.509 certificate for DTLS; the key never reaches Python.
#[derive(Debug)]
#[pyclass(frozen, module = "visavis.dataplane._native")]
pub struct Certificate {
    pub inner: dtls::Certificate,
}

#[pymethods]
impl Certificate {
    /// Makes a new one. Raises OSError when the system has no randomness.
    #[staticmethod]
    fn generate(py: Python<'_>) -> PyResult<Certificate> {
        let made = py.detach(dtls::Certificate::generate);
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
