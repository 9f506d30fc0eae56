//! The compiled module `visavis.dataplane._native`: types of Python over the data plane. Its contract is `_native.pyi`.
#![forbid(unsafe_code)]

mod certificate;
mod channels;
mod commands;
mod dataplane;
mod fields;
mod frames;
mod ice;
mod reports;
mod validate;

use pyo3::prelude::*;

#[pymodule]
mod _native {
    use pyo3::prelude::*;

    #[pymodule_export]
    use crate::certificate::Certificate;
    #[pymodule_export]
    use crate::dataplane::DataPlane;
    #[pymodule_export]
    use crate::frames::{Frame, FrameReceiver};
    #[pymodule_export]
    use crate::reports::{AssociationState, MessagesReady};
    #[pymodule_export]
    use crate::reports::{
        AudioLevels, Fatal, Forwarding, PairLearnt, PairSelected, PairState, RoleChanged, SocketLost,
        StunResult, TrackState, TransportState, TransportStats,
    };
    #[pymodule_export]
    use crate::reports::{FramesReady, KeyFrameWanted, TargetBitrate};

    #[pymodule_init]
    fn init(module: &Bound<'_, PyModule>) -> PyResult<()> {
        module.add("__version__", env!("CARGO_PKG_VERSION"))
    }
}
