//! Faults that a devnet plays on purpose: which role stays silent, in which slot.
//!
//! A fault never touches the chain or a role's decisions. It refuses some of the effects that a role wants carried out,
//! as a crash or a broken link would, so what follows is what the protocol and the other roles make of it.

use std::{collections::BTreeMap, collections::BTreeSet, fmt, str::FromStr};

/// One way to fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FaultKind {
    /// No sequencer proposes: the slot goes to backup.
    NoProposal,
    /// No candidate gets a prover's commitment: each is abandoned in turn, then backup.
    NoCommitment,
    /// No candidate reveals its data: each is withheld in turn, then backup.
    NoReveal,
    /// The committed prover delivers only when exclusive proving is over: a rescue.
    LateProof,
    /// The committed prover never delivers: another one rescues the block.
    NoProof,
    /// Nobody delivers before the end of the proving phase: backup.
    NoProofNoRescue,
    /// The best candidate proposes and is never heard of again: succession.
    FirstCandidateDead,
    /// Nobody makes a backup block. With another fault that leads to backup, the slot ends empty.
    NoBackup,
}

impl FaultKind {
    /// Every kind, in the order in which the help lists them.
    pub const ALL: [Self; 8] = [
        Self::NoProposal,
        Self::NoCommitment,
        Self::NoReveal,
        Self::LateProof,
        Self::NoProof,
        Self::NoProofNoRescue,
        Self::FirstCandidateDead,
        Self::NoBackup,
    ];

    /// The name on the command line.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::NoProposal => "no-proposal",
            Self::NoCommitment => "no-commitment",
            Self::NoReveal => "no-reveal",
            Self::LateProof => "late-proof",
            Self::NoProof => "no-proof",
            Self::NoProofNoRescue => "no-proof-no-rescue",
            Self::FirstCandidateDead => "first-candidate-dead",
            Self::NoBackup => "no-backup",
        }
    }
}

impl fmt::Display for FaultKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for FaultKind {
    type Err = FaultError;

    fn from_str(text: &str) -> Result<Self, FaultError> {
        Self::ALL
            .into_iter()
            .find(|kind| kind.name() == text)
            .ok_or_else(|| FaultError::UnknownKind { actual: text.to_owned() })
    }
}

/// Why a fault on the command line can't be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FaultError {
    /// There is no such kind.
    #[error("expected one of {names}, got {actual:?}", names = names())]
    UnknownKind {
        /// What was given.
        actual: String,
    },
    /// There is no `@`.
    #[error("expected KIND@SLOT, such as no-proof@2, got {0:?}")]
    MissingSlot(String),
    /// What follows the `@` is no slot number.
    #[error("expected a slot number after the @, got {0:?}")]
    BadSlot(String),
}

fn names() -> String {
    FaultKind::ALL.map(FaultKind::name).join(", ")
}

/// One fault in one slot: `KIND@SLOT`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Fault {
    /// What fails.
    pub kind: FaultKind,
    /// Slot in which it fails.
    pub slot: u64,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}", self.kind, self.slot)
    }
}

impl FromStr for Fault {
    type Err = FaultError;

    fn from_str(text: &str) -> Result<Self, FaultError> {
        let (kind, slot) =
            text.trim().split_once('@').ok_or_else(|| FaultError::MissingSlot(text.to_owned()))?;
        let slot = slot.parse().map_err(|_| FaultError::BadSlot(slot.to_owned()))?;
        Ok(Self { kind: kind.parse()?, slot })
    }
}

/// The faults of a run, by slot.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FaultPlan(BTreeMap<u64, BTreeSet<FaultKind>>);

impl FaultPlan {
    /// Whether `kind` is planned for `slot`.
    #[must_use]
    pub fn has(&self, slot: u64, kind: FaultKind) -> bool {
        self.0.get(&slot).is_some_and(|kinds| kinds.contains(&kind))
    }

    /// The faults planned for `slot`.
    pub fn at(&self, slot: u64) -> impl Iterator<Item = FaultKind> + '_ {
        self.0.get(&slot).into_iter().flatten().copied()
    }

    /// Whether nothing is planned.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl FromIterator<Fault> for FaultPlan {
    fn from_iter<I: IntoIterator<Item = Fault>>(faults: I) -> Self {
        let mut plan = Self::default();
        for fault in faults {
            plan.0.entry(fault.slot).or_default().insert(fault.kind);
        }
        plan
    }
}

impl FromStr for FaultPlan {
    type Err = FaultError;

    /// Reads `KIND@SLOT[,KIND@SLOT…]`; an empty text is an empty plan.
    fn from_str(text: &str) -> Result<Self, FaultError> {
        if text.trim().is_empty() {
            return Ok(Self::default());
        }
        text.split(',').map(str::parse::<Fault>).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_a_plan_with_several_faults_in_one_slot() {
        let plan: FaultPlan = "no-proof@2, no-proposal@5,no-backup@5".parse().unwrap();
        assert!(plan.has(2, FaultKind::NoProof));
        assert!(!plan.has(2, FaultKind::NoBackup));
        assert_eq!(plan.at(5).collect::<Vec<_>>(), [FaultKind::NoProposal, FaultKind::NoBackup]);
        assert_eq!(plan.at(3).count(), 0);
    }

    #[test]
    fn every_kind_reads_back_from_its_name() {
        for kind in FaultKind::ALL {
            let fault = Fault { kind, slot: 7 };
            assert_eq!(fault.to_string().parse::<Fault>(), Ok(fault));
        }
    }

    #[test]
    fn says_what_was_expected() {
        assert_eq!("no-proof".parse::<FaultPlan>(), Err(FaultError::MissingSlot("no-proof".into())));
        assert_eq!("no-proof@x".parse::<FaultPlan>(), Err(FaultError::BadSlot("x".into())));
        assert_eq!("no-proof@-1".parse::<FaultPlan>(), Err(FaultError::BadSlot("-1".into())));
        assert_eq!(
            "no-prof@1".parse::<FaultPlan>(),
            Err(FaultError::UnknownKind { actual: "no-prof".into() })
        );
        assert!(FaultError::UnknownKind { actual: "x".into() }.to_string().contains("first-candidate-dead"));
        assert_eq!("no-proof@1,,".parse::<FaultPlan>(), Err(FaultError::MissingSlot(String::new())));
    }

    #[test]
    fn an_empty_text_is_an_empty_plan() {
        assert!("".parse::<FaultPlan>().unwrap().is_empty());
    }
}
