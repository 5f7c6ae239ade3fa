//! Tables of cases, their file format, and seeded randomness.

use alloy_primitives::{Address, B256, U256, hex};
use fernet_protocol::{Parameters, Price, Rates, TokenAmount, samples};
use std::{collections::BTreeMap, env, fs, path::Path};

/// One value of a case.
#[derive(Debug, Clone)]
pub(crate) enum Cell {
    Uint(U256),
    Int(i128),
    Bytes(Vec<u8>),
    Text(String),
}

macro_rules! cell_from_uint {
    ($($uint:ty),*) => {
        $(impl From<$uint> for Cell {
            fn from(value: $uint) -> Self {
                Self::Uint(U256::from(value))
            }
        })*
    };
}
cell_from_uint!(u8, u16, u32, u64, u128, usize, bool, U256);

impl From<Price> for Cell {
    fn from(value: Price) -> Self {
        Self::Int(value.get())
    }
}

impl From<Address> for Cell {
    fn from(value: Address) -> Self {
        Self::Bytes(value.to_vec())
    }
}

impl From<B256> for Cell {
    fn from(value: B256) -> Self {
        Self::Bytes(value.to_vec())
    }
}

impl From<Vec<u8>> for Cell {
    fn from(value: Vec<u8>) -> Self {
        Self::Bytes(value)
    }
}

impl From<&str> for Cell {
    fn from(value: &str) -> Self {
        Self::Text(value.to_owned())
    }
}

/// Columns by name. Element `i` of every column belongs to case `i`; a column with `k` values a case has them
/// at `k·i .. k·(i + 1)`.
#[derive(Debug, Default)]
pub(crate) struct Table(BTreeMap<&'static str, Vec<Cell>>);

impl Table {
    pub(crate) fn put(&mut self, column: &'static str, value: impl Into<Cell>) {
        self.0.entry(column).or_default().push(value.into());
    }

    /// One line a column, in the order of their names.
    fn text(&self) -> String {
        let columns: Vec<_> =
            self.0.iter().map(|(name, cells)| format!("  \"{name}\": [{}]", column(cells))).collect();
        format!("{{\n{}\n}}\n", columns.join(",\n"))
    }
}

/// Numbers beyond 53 bits make decimal texts of the whole column, and so do signed numbers.
fn column(cells: &[Cell]) -> String {
    let exact = U256::from(1_u64 << 53);
    let quoted = cells.iter().any(|cell| match cell {
        Cell::Uint(n) => *n >= exact,
        Cell::Int(_) => true,
        Cell::Bytes(_) | Cell::Text(_) => false,
    });
    let texts: Vec<_> = cells
        .iter()
        .map(|cell| match cell {
            Cell::Uint(n) if quoted => format!("\"{n}\""),
            Cell::Uint(n) => n.to_string(),
            Cell::Int(n) => format!("\"{n}\""),
            Cell::Bytes(bytes) => format!("\"{}\"", hex::encode_prefixed(bytes)),
            Cell::Text(text) => format!("\"{text}\""),
        })
        .collect();
    texts.join(",")
}

/// Compares the committed file with the table, or writes it where `FERNET_WRITE_VECTORS=1`.
pub(crate) fn check(name: &str, table: &Table) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../vectors").join(name);
    let text = table.text();
    let _: serde_json::Value = serde_json::from_str(&text).expect("the table is JSON");
    if env::var("FERNET_WRITE_VECTORS").is_ok_and(|v| v == "1") {
        fs::write(&path, text).expect("vectors/ is writable");
        return;
    }
    let committed = fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    assert!(
        committed == text,
        "vectors/{name} isn't what the code makes: write it with FERNET_WRITE_VECTORS=1"
    );
}

/// SplitMix64: the same numbers on every machine and in every release.
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// From `low` through `high`.
    pub(crate) fn within(&mut self, low: u64, high: u64) -> u64 {
        low + self.next() % (high - low + 1)
    }

    pub(crate) fn length(&mut self, low: u16, high: u16) -> u16 {
        u16::try_from(self.within(u64::from(low), u64::from(high))).expect("within 16 bits")
    }

    pub(crate) fn chance(&mut self, percent: u64) -> bool {
        self.next() % 100 < percent
    }

    pub(crate) fn amount(&mut self, maximum: u128) -> TokenAmount {
        let raw = u128::from(self.next()) << 64 | u128::from(self.next());
        TokenAmount::new(raw % maximum.saturating_add(1))
    }

    /// From `low` through `high`.
    pub(crate) fn price(&mut self, low: Price, high: Price) -> Price {
        let above = self.amount(high.get().abs_diff(low.get()));
        Price::new(low.get().wrapping_add_unsigned(above.get()))
    }

    pub(crate) fn word(&mut self) -> B256 {
        let mut word = B256::ZERO;
        for chunk in word.0.chunks_mut(8) {
            chunk.copy_from_slice(&self.next().to_be_bytes());
        }
        word
    }

    pub(crate) fn address(&mut self) -> Address {
        Address::from_word(self.word())
    }
}

/// The devnet's parameters.
pub(crate) fn devnet() -> Parameters {
    Parameters {
        min_bond: TokenAmount::new(25_000_000_000_000_000_000),
        abandon_penalty: TokenAmount::new(2_000_000_000_000_000_000),
        withhold_penalty: TokenAmount::new(5_000_000_000_000_000_000),
        ..samples::parameters()
    }
}

/// The devnet's rates.
pub(crate) fn devnet_rates() -> Rates {
    Rates { reward_per_l1_slot: TokenAmount::new(120_000_000_000_000_000), ..samples::rates() }
}

/// Mainnet's lengths, the devnet's amounts.
pub(crate) fn mainnet() -> Parameters {
    Parameters {
        proposal_phase: 10,
        commitment_phase: 8,
        reveal_phase: 8,
        proving_phase: 25,
        exclusive_proving: 15,
        halt_phase: 3,
        backup_phase: 18,
        seed_delay: 8,
        seed_grid: 23,
        pause_length: 50,
        stall_after: 310,
        max_stall: 250,
        ..devnet()
    }
}

/// Lengths that the constructor accepts.
pub(crate) fn random_lengths(random: &mut Random) -> Parameters {
    let proving_phase = random.length(1, 40);
    let parameters = Parameters {
        proposal_phase: random.length(2, 12),
        commitment_phase: random.length(1, 6),
        reveal_phase: random.length(1, 6),
        proving_phase,
        exclusive_proving: random.length(1, proving_phase),
        halt_phase: random.length(1, 4),
        backup_phase: random.length(1, 12),
        max_candidates: u8::try_from(random.within(1, 4)).expect("at most 4"),
        ..devnet()
    };
    let idle = u16::try_from(parameters.idle()).expect("idle slots are short");
    let seed_delay = random.length(1, idle - 1);
    let two_slots = u16::try_from(2 * parameters.longest_slot()).expect("short slots");
    Parameters {
        seed_delay,
        seed_grid: random.length(1, idle - seed_delay),
        stall_after: two_slots + random.length(0, 50),
        max_stall: random.length(0, 300),
        ..parameters
    }
}

/// Puts the lengths that phases depend on.
pub(crate) fn put_lengths(table: &mut Table, p: &Parameters) {
    table.put("proposalPhase", p.proposal_phase);
    table.put("commitmentPhase", p.commitment_phase);
    table.put("revealPhase", p.reveal_phase);
    table.put("provingPhase", p.proving_phase);
    table.put("exclusiveProving", p.exclusive_proving);
    table.put("haltPhase", p.halt_phase);
    table.put("backupPhase", p.backup_phase);
    table.put("seedDelay", p.seed_delay);
    table.put("seedGrid", p.seed_grid);
}
