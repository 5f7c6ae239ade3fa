//! The parameters of a circuit.

use fernet_ledger::{
    layout::{Layout, LayoutError},
    tree::{Levels, LevelsError},
};
use serde::{Deserialize, Serialize};

/// Parameters of the transition circuit. One proof covers one chunk.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct CircuitParams {
    /// Levels of the state tree, which has 4^levels leaves.
    pub levels: u8,
    /// Number of slots of a chunk.
    pub operations: usize,
    /// Number of blob elements that a chunk occupies, a power of two.
    pub elements: usize,
}

/// Why parameters are impossible.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ParamsError {
    /// The number of levels is impossible.
    #[error(transparent)]
    Levels(#[from] LevelsError),
    /// The layout is impossible.
    #[error(transparent)]
    Layout(#[from] LayoutError),
}

impl CircuitParams {
    /// The parameters in production: 2^32 accounts and chunks of 8 slots, for fewer than 2^18 constraints.
    pub const PRODUCTION: Self = Self { levels: 16, operations: 8, elements: 8 };

    /// The levels of the state tree.
    ///
    /// # Errors
    /// Fails if the number of levels is impossible.
    pub fn levels(&self) -> Result<Levels, ParamsError> {
        Ok(Levels::new(self.levels)?)
    }

    /// The layout with `chunks_per_blob` chunks in a blob.
    ///
    /// # Errors
    /// Fails if the layout is impossible.
    pub fn layout(&self, chunks_per_blob: usize) -> Result<Layout, ParamsError> {
        Ok(Layout::new(self.operations, self.elements, chunks_per_blob)?)
    }

    /// Checks the parameters.
    ///
    /// # Errors
    /// Fails if the tree or the layout is impossible.
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
