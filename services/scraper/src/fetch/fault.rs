//! Which kind a fault of the connection is.

use super::connections::ConnectTimeout;
use crate::guard::{NoAddress, Refusal};
use crate::outcome::ErrorKind;
use std::error::Error;
use std::io;

/// The kind of a fault; `connecting`: there was no connection yet.
pub(super) fn kind(error: &(dyn Error + 'static), connecting: bool) -> ErrorKind {
    // Behind a fault of the resolver, as which it comes.
    if Refusal::behind(error).is_some() {
        return ErrorKind::Refused;
    }
    let mut cause = Some(error);
    while let Some(error) = cause {
        if let Some(known) = known(error) {
            return known;
        }
        cause = error.source();
    }
    if connecting {
        ErrorKind::Connect
    } else {
        ErrorKind::Reset
    }
}

fn known(error: &(dyn Error + 'static)) -> Option<ErrorKind> {
    if error.is::<NoAddress>() {
        return Some(ErrorKind::Dns);
    }
    if error.is::<ConnectTimeout>() {
        return Some(ErrorKind::Connect);
    }
    if error.is::<rustls::Error>() {
        return Some(ErrorKind::Tls);
    }
    if let Some(error) = error.downcast_ref::<hyper::Error>()
        && (error.is_parse() || error.is_parse_too_large())
    {
        return Some(ErrorKind::Protocol);
    }
    // An I/O error shows what is in it neither as itself nor as its cause.
    let inside = error.downcast_ref::<io::Error>()?.get_ref()?;
    known(inside)
}
