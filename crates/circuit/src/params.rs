//! What a circuit is made for.

use fernet_ledger::{
    layout::{Layout, LayoutError},
    tree::{Levels, LevelsError},
};
use serde::{Deserialize, Serialize};

/// Size of the transition circuit: one proof covers one chunk.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct CircuitParams {
    /// Levels of the state tree, 4^levels accounts.
    pub levels: u8,
    /// Operation slots of a chunk.
    pub operations: usize,
    /// Blob elements that a chunk owns, a power of two.
    pub elements: usize,
}

/// A size that no circuit has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ParamsError {
    /// No such tree.
    #[error(transparent)]
    Levels(#[from] LevelsError),
    /// No such chunk.
    #[error(transparent)]
    Layout(#[from] LayoutError),
}

impl CircuitParams {
    /// What is deployed: 2^32 accounts, chunks of 8 operations; the constraints fill 2^18.
    pub const PRODUCTION: Self = Self { levels: 16, operations: 8, elements: 8 };

    /// The tree's levels, checked.
    ///
    /// # Errors
    /// When no tree has as many.
    pub fn levels(&self) -> Result<Levels, ParamsError> {
        Ok(Levels::new(self.levels)?)
    }

    /// The layout with `chunks_per_blob` chunks in a blob.
    ///
    /// # Errors
    /// When there is no such layout.
    pub fn layout(&self, chunks_per_blob: usize) -> Result<Layout, ParamsError> {
        Ok(Layout::new(self.operations, self.elements, chunks_per_blob)?)
    }

    /// Checks both.
    ///
    /// # Errors
    /// When the tree or the chunk can't be.
    pub fn validate(&self) -> Result<(), ParamsError> {
        self.levels()?;
        self.layout(1)?;
        Ok(())
    }
}

impl Default for CircuitParams {
    fn default() -> Self {
        Self::PRODUCTION
    }
}
