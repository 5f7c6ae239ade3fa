//! The key file. Numbers are little-endian.
//!
//! | part | bytes |
//! | --- | --- |
//! | magic | 8 |
//! | circuit digest, seed | 32 each |
//! | verifying key in the encoding for L1 | 4 for the length, then the bytes |
//! | A, B, L | 4 for the count, then 4 per variable, then 96 (B: 192) per point |
//! | H | 4 for the count, then 96 per point |
//! | SHA-256 of all parts before | 32 |
//!
//! A coordinate is six words in Montgomery form. The reader doesn't check that points are on the curve: the
//! digest shows that they are the written ones.
#![allow(clippy::indexing_slicing)] // ranges up to what a read or write reports

use std::{
    fs::File,
    io::{self, BufReader, BufWriter, Read, Write},
    path::Path,
};

use blst::{blst_fp, blst_fp2, blst_p1_affine, blst_p2_affine};
use sha2::{Digest, Sha256};

use super::prover::ProverKey;
use crate::{
    digest::CircuitHash,
    msm::Points,
    params::CircuitParams,
    verifier::{VERIFYING_KEY_BYTES, VerifyingKey},
};

/// First bytes of a key file. The last one is the version of the format.
const MAGIC: [u8; 8] = *b"FERNETK\x01";
/// Maximum number of points of one part, which is that of a circuit with 2^26 variables.
const MAX_POINTS: usize = 1 << 26;
/// Bytes of the buffer for reading and writing.
const BUFFER: usize = 1 << 20;

/// Why a key file can't be read or written.
#[derive(Debug, thiserror::Error)]
pub enum KeyFileError {
    /// The file system returned an error.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// The file doesn't contain a key of this circuit.
    #[error("key file doesn't contain {expected}")]
    Malformed { expected: &'static str },
}

/// Writes a key to a temporary file and renames it to `path`, so that the file at `path` is always complete.
pub(super) fn write(path: &Path, key: &ProverKey, seed: &[u8; 32]) -> Result<(), KeyFileError> {
    let temporary = path.with_extension(format!("key.{}", std::process::id()));
    let result = write_contents(&temporary, key, seed).and_then(|()| Ok(std::fs::rename(&temporary, path)?));
    if result.is_err() {
        // The error of the write is more important than one of the removal.
        let _ = std::fs::remove_file(&temporary);
    }
    result
}

fn write_contents(path: &Path, key: &ProverKey, seed: &[u8; 32]) -> Result<(), KeyFileError> {
    let mut output = BufWriter::with_capacity(BUFFER, File::create(path)?);
    key.write_to(&mut output, seed)?;
    let file = output.into_inner().map_err(io::IntoInnerError::into_error)?;
    Ok(file.sync_all()?)
}

/// Reads the key of the circuit with digest `hash` that was generated from `seed`.
pub(super) fn read(
    path: &Path,
    params: &CircuitParams,
    hash: &CircuitHash,
    seed: &[u8; 32],
) -> Result<ProverKey, KeyFileError> {
    ProverKey::read_from(BufReader::with_capacity(BUFFER, File::open(path)?), params, hash, seed)
}

impl ProverKey {
    /// Writes the contents of a key file.
    ///
    /// # Errors
    /// If `output` returns an error, or one part of the key has more than 2^32 points.
    pub fn write_to(&self, output: impl Write, seed: &[u8; 32]) -> io::Result<()> {
        let mut output = Digesting { inner: output, hasher: Sha256::new() };
        output.write_all(&MAGIC)?;
        output.write_all(&self.hash.0)?;
        output.write_all(seed)?;
        let verifying_key = self.verifying_key.to_bytes();
        write_count(&mut output, verifying_key.len())?;
        output.write_all(&verifying_key)?;
        write_points(&mut output, &self.a)?;
        write_points(&mut output, &self.b)?;
        write_points(&mut output, &self.l)?;
        write_count(&mut output, self.h.len())?;
        for point in &self.h {
            point.write(&mut output)?;
        }
        let digest = output.hasher.clone().finalize();
        output.inner.write_all(&digest)
    }

    /// Reads the contents of the key file of the circuit with digest `hash`, that was generated from `seed`.
    ///
    /// # Errors
    /// If `input` returns an error or ends early, or the contents are not those of such a key.
    pub fn read_from(
        input: impl Read,
        params: &CircuitParams,
        hash: &CircuitHash,
        seed: &[u8; 32],
    ) -> Result<Self, KeyFileError> {
        let mut input = Digesting { inner: input, hasher: Sha256::new() };
        expect(&mut input, &MAGIC, "the magic bytes of a key file")?;
        expect(&mut input, &hash.0, "the circuit's digest")?;
        expect(&mut input, seed, "the seed")?;
        // The length is checked before it is allocated.
        if read_count(&mut input)? != VERIFYING_KEY_BYTES {
            return Err(KeyFileError::Malformed { expected: "the length of a verifying key" });
        }
        let mut verifying_key = [0; VERIFYING_KEY_BYTES];
        input.read_exact(&mut verifying_key)?;
        let verifying_key = VerifyingKey::from_bytes(&verifying_key)
            .map_err(|_| KeyFileError::Malformed { expected: "a verifying key" })?;
        let a = read_points(&mut input)?;
        let b = read_points(&mut input)?;
        let l = read_points(&mut input)?;
        let count = read_count(&mut input)?;
        let h = (0..count).map(|_| blst_p1_affine::read(&mut input)).collect::<Result<_, _>>()?;
        let digest: [u8; 32] = input.hasher.clone().finalize().into();
        expect(&mut input, &digest, "the contents' digest")?;
        Ok(Self { params: *params, hash: *hash, verifying_key, a, b, l, h })
    }
}

/// Hashes the bytes that are read or written.
struct Digesting<T> {
    inner: T,
    hasher: Sha256,
}

impl<T: Write> Write for Digesting<T> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.inner.write(bytes)?;
        self.hasher.update(&bytes[..written]);
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

impl<T: Read> Read for Digesting<T> {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(bytes)?;
        self.hasher.update(&bytes[..count]);
        Ok(count)
    }
}

fn expect(input: &mut impl Read, bytes: &[u8], expected: &'static str) -> Result<(), KeyFileError> {
    let mut actual = vec![0; bytes.len()];
    input.read_exact(&mut actual)?;
    if actual == bytes { Ok(()) } else { Err(KeyFileError::Malformed { expected }) }
}

fn write_count(output: &mut impl Write, count: usize) -> io::Result<()> {
    let count = u32::try_from(count).map_err(|_| io::Error::from(io::ErrorKind::InvalidInput))?;
    output.write_all(&count.to_le_bytes())
}

fn read_count(input: &mut impl Read) -> Result<usize, KeyFileError> {
    let mut bytes = [0; 4];
    input.read_exact(&mut bytes)?;
    let count = u32::from_le_bytes(bytes) as usize;
    if count <= MAX_POINTS {
        Ok(count)
    } else {
        Err(KeyFileError::Malformed { expected: "at most 2^26 points" })
    }
}

fn write_points<P: Coded>(output: &mut impl Write, points: &Points<P>) -> io::Result<()> {
    write_count(output, points.points.len())?;
    for variable in &points.variables {
        output.write_all(&variable.to_le_bytes())?;
    }
    points.points.iter().try_for_each(|point| point.write(output))
}

fn read_points<P: Coded>(input: &mut impl Read) -> Result<Points<P>, KeyFileError> {
    let count = read_count(input)?;
    let variable = |input: &mut dyn Read| -> io::Result<u32> {
        let mut bytes = [0; 4];
        input.read_exact(&mut bytes)?;
        Ok(u32::from_le_bytes(bytes))
    };
    let variables = (0..count).map(|_| variable(input)).collect::<Result<_, _>>()?;
    let points = (0..count).map(|_| P::read(input)).collect::<Result<_, _>>()?;
    Ok(Points { points, variables })
}

/// A value with a fixed number of words.
trait Coded: Sized {
    fn write(&self, output: &mut impl Write) -> io::Result<()>;
    fn read(input: &mut impl Read) -> io::Result<Self>;
}

impl Coded for blst_fp {
    fn write(&self, output: &mut impl Write) -> io::Result<()> {
        let mut bytes = [0; 48];
        for (target, limb) in bytes.as_chunks_mut::<8>().0.iter_mut().zip(self.l) {
            *target = limb.to_le_bytes();
        }
        output.write_all(&bytes)
    }

    fn read(input: &mut impl Read) -> io::Result<Self> {
        let mut bytes = [0; 48];
        input.read_exact(&mut bytes)?;
        let mut l = [0; 6];
        for (limb, source) in l.iter_mut().zip(bytes.as_chunks::<8>().0) {
            *limb = u64::from_le_bytes(*source);
        }
        Ok(Self { l })
    }
}

impl Coded for blst_p1_affine {
    fn write(&self, output: &mut impl Write) -> io::Result<()> {
        self.x.write(output)?;
        self.y.write(output)
    }

    fn read(input: &mut impl Read) -> io::Result<Self> {
        Ok(Self { x: blst_fp::read(input)?, y: blst_fp::read(input)? })
    }
}

impl Coded for blst_p2_affine {
    fn write(&self, output: &mut impl Write) -> io::Result<()> {
        [self.x, self.y].iter().flat_map(|coordinate| coordinate.fp).try_for_each(|part| part.write(output))
    }

    fn read(input: &mut impl Read) -> io::Result<Self> {
        let mut coordinate = || -> io::Result<blst_fp2> {
            Ok(blst_fp2 { fp: [blst_fp::read(input)?, blst_fp::read(input)?] })
        };
        Ok(Self { x: coordinate()?, y: coordinate()? })
    }
}
