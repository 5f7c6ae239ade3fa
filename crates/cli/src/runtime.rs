//! The async runtime of commands that talk to L1, and their end by a signal.

use color_eyre::eyre::{Result, bail};
use tokio::runtime::{Builder, Runtime};

use crate::signals;

fn runtime() -> Result<Runtime> {
    Ok(Builder::new_multi_thread().enable_all().build()?)
}

/// Runs a command to its end. It fails if somebody asks for the end before.
///
/// # Errors
/// When the command fails, or was asked to end.
pub(crate) fn block_on(command: impl Future<Output = Result<()>>) -> Result<()> {
    runtime()?.block_on(async {
        tokio::select! {
            result = command => result,
            signal = signals::first()? => bail!("stopped by {signal}"),
        }
    })
}

/// Runs a command that goes on until somebody asks for the end.
///
/// # Errors
/// When the command fails.
pub(crate) fn until_stopped(command: impl Future<Output = Result<()>>) -> Result<()> {
    runtime()?.block_on(async {
        tokio::select! {
            result = command => result,
            _ = signals::first()? => Ok(()),
        }
    })
}
