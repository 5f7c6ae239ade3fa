//! The digest of a circuit, which identifies it.

use fernet_ledger::Fr;
use sha2::{Digest, Sha256};

use crate::{
    assignment::ChunkAssignment,
    params::CircuitParams,
    system::System,
    transition::{SynthesisError, synthesize},
};

/// First bytes of the digest's preimage.
const TAG: &[u8] = b"fernet.circuit.v1";

/// Digest of a circuit. It changes with every change of a constraint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct CircuitHash(pub [u8; 32]);

impl CircuitHash {
    /// The digest of the circuit with these parameters: of the parameters and of every coefficient of every
    /// row.
    ///
    /// # Errors
    /// Fails if the parameters are impossible.
    pub fn of(params: &CircuitParams) -> Result<Self, SynthesisError> {
        let mut system = System::hashing();
        blank(&mut system, params)?;
        let mut hasher = Sha256::new();
        hasher.update(TAG);
        hasher.update([params.levels]);
        hasher.update((params.operations as u64).to_be_bytes());
        hasher.update((params.elements as u64).to_be_bytes());
        hasher.update(system.into_digest());
        Ok(Self(hasher.finalize().into()))
    }
}

impl std::fmt::Display for CircuitHash {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(&hex::encode(self.0))
    }
}

/// Synthesizes the circuit for a chunk of padding. Its rows don't depend on the values.
///
/// # Errors
/// Fails if the parameters are impossible.
pub fn blank(system: &mut System, params: &CircuitParams) -> Result<(), SynthesisError> {
    params.validate()?;
    let chunk = ChunkAssignment::blank(params.levels.into(), params.operations);
    synthesize(system, params, &chunk)
}

/// State root of the ledger without accounts.
///
/// # Errors
/// Fails if the parameters are impossible.
pub fn genesis_root(params: &CircuitParams) -> Result<Fr, SynthesisError> {
    Ok(fernet_ledger::tree::empty(params.levels()?.get()))
}
