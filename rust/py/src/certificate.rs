//! The certificate that every transport shows.

use std::sync::Arc;

use dimpl::DtlsCertificate;
use dimpl::certificate::{calculate_fingerprint, generate_self_signed_certificate};
use pyo3::exceptions::PyOSError;
use pyo3::prelude::*;
use pyo3::types::PyBytes;

/// An ECDSA P-256 key with a self-signed X.509 certificate for DTLS; the key never reaches Python.
#[derive(Debug)]
#[pyclass(frozen, module = "visavis.dataplane._native")]
pub struct Certificate {
    pub inner: Arc<DtlsCertificate>,
}

#[pymethods]
impl Certificate {
    /// Makes a new one. Raises OSError when the system has no randomness.
    #[staticmethod]
    fn generate(py: Python<'_>) -> PyResult<Certificate> {
        let made = py.detach(generate_self_signed_certificate);
        let certificate = made.map_err(|error| PyOSError::new_err(error.to_string()))?;
        Ok(Certificate { inner: Arc::new(certificate) })
    }

    /// SHA-256 of the DER form, 32 bytes (RFC 8122 section 5).
    #[getter]
    fn fingerprint<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        PyBytes::new(py, &calculate_fingerprint(&self.inner.certificate))
    }
}
