//! The resolved lab that the host script hands over: what stations there are.

use crate::check::Host;
use crate::compose::LabModel;
use crate::station::StationSpec;
use anyhow::Context;
use measure::report::Declared;
use std::path::Path;

/// The stations of the resolved lab in `path`.
pub fn stations(path: &Path) -> anyhow::Result<Vec<StationSpec>> {
    todo!("{path:?}")
}
