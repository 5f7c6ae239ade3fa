//! Faults that a devnet injects: which role stays silent, in which slot.
//!
//! A fault changes neither the chain nor a role's decisions. It holds back some of the effects that a role
//! decides on, as a crash or a broken link would. The protocol and the other roles react as they would to a
//! real failure.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    str::FromStr,
};

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

    /// Where a slot fails, if this kind ends its usual course.
    const fn step(self) -> Option<Step> {
        match self {
            Self::NoProposal => Some(Step::Proposal),
            Self::NoCommitment => Some(Step::Commitment),
            Self::NoReveal => Some(Step::Reveal),
            Self::LateProof | Self::NoProof | Self::NoProofNoRescue => Some(Step::Proof),
            Self::FirstCandidateDead | Self::NoBackup => None,
        }
    }

    /// Whether the slot goes to backup.
    const fn leads_to_backup(self) -> bool {
        matches!(self, Self::NoProposal | Self::NoCommitment | Self::NoReveal | Self::NoProofNoRescue)
    }

    /// Why this kind and `other` can't both happen in one slot, if they can't.
    fn conflict(self, other: Self) -> Option<&'static str> {
        match (self.step(), other.step()) {
            (Some(Step::Proof), Some(Step::Proof)) => Some("each says when the block's proof comes"),
            (Some(_), Some(_)) => Some("the slot doesn't get as far as the second after the first"),
            (Some(Step::Proposal | Step::Commitment), None) if other == Self::FirstCandidateDead => {
                Some("every candidate fails, the first one included")
            }
            _ => None,
        }
    }

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

/// Steps of a slot that must all succeed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    Proposal,
    Commitment,
    Reveal,
    Proof,
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

/// Why a plan of faults is refused.
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
    /// The plan has the same fault twice.
    #[error("{0} is in the plan twice")]
    Twice(Fault),
    /// After one fault, the other can't happen any more.
    #[error("{first} and {second} can't both happen: {reason}")]
    Conflict {
        /// One of the two.
        first: Fault,
        /// The other one.
        second: Fault,
        /// Why.
        reason: &'static str,
    },
    /// No fault leads to the backup that is to fail.
    #[error(
        "{0} has no effect: it needs no-proposal, no-commitment, no-reveal or no-proof-no-rescue \
         in the same slot"
    )]
    NothingToBackUp(Fault),
    /// The run ends before the slot.
    #[error("{fault} can't happen: the planned slots are 0 to {last}")]
    AfterTheLastSlot {
        /// The fault.
        fault: Fault,
        /// The last planned slot.
        last: u64,
    },
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

    /// The plan of these faults.
    ///
    /// # Errors
    /// When one is there twice, has no effect, or can't happen together with another one of its slot.
    pub fn new(faults: impl IntoIterator<Item = Fault>) -> Result<Self, FaultError> {
        let mut plan = Self::default();
        for fault in faults {
            if !plan.0.entry(fault.slot).or_default().insert(fault.kind) {
                return Err(FaultError::Twice(fault));
            }
        }
        for (slot, kinds) in &plan.0 {
            let fault = |kind: FaultKind| Fault { kind, slot: *slot };
            for first in kinds {
                for second in kinds.iter().filter(|second| first != *second) {
                    if let Some(reason) = first.conflict(*second) {
                        let (first, second) = (fault(*first), fault(*second));
                        return Err(FaultError::Conflict { first, second, reason });
                    }
                }
            }
            if kinds.contains(&FaultKind::NoBackup) && !kinds.iter().any(|kind| kind.leads_to_backup()) {
                return Err(FaultError::NothingToBackUp(fault(FaultKind::NoBackup)));
            }
        }
        Ok(plan)
    }

    /// Refuses a plan with a fault after the last of `slots` planned slots. Without a number, the run has no
    /// last slot.
    ///
    /// # Errors
    /// When there is such a fault.
    pub fn require_within(&self, slots: Option<u64>) -> Result<(), FaultError> {
        let Some(slots) = slots else { return Ok(()) };
        match self.after(slots).next() {
            Some(fault) => Err(FaultError::AfterTheLastSlot { fault, last: slots.saturating_sub(1) }),
            None => Ok(()),
        }
    }

    /// The faults in and after a slot.
    pub fn after(&self, slot: u64) -> impl Iterator<Item = Fault> + '_ {
        let later = self.0.range(slot..);
        later.flat_map(|(slot, kinds)| kinds.iter().map(|kind| Fault { kind: *kind, slot: *slot }))
    }
}

impl FromStr for FaultPlan {
    type Err = FaultError;

    /// Reads `KIND@SLOT[,KIND@SLOT…]`; an empty text is an empty plan.
    fn from_str(text: &str) -> Result<Self, FaultError> {
        if text.trim().is_empty() {
            return Ok(Self::default());
        }
        let faults = text.split(',').map(str::parse::<Fault>).collect::<Result<Vec<_>, _>>()?;
        Self::new(faults)
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

    /// What becomes of a slot with these faults, step by step, and which of them had a part in it.
    fn played(kinds: &BTreeSet<FaultKind>) -> BTreeSet<FaultKind> {
        use FaultKind::*;
        let has = |kind| kinds.contains(&kind);
        let mut played = BTreeSet::new();
        let mut play = |kind| has(kind) && played.insert(kind);
        let backup = if play(NoProposal) || play(NoCommitment) {
            true
        } else {
            play(FirstCandidateDead);
            if play(NoReveal) || play(NoProofNoRescue) {
                true
            } else {
                // With both, the first one alone has an effect.
                let _ = play(NoProof) || play(LateProof);
                false
            }
        };
        if backup {
            play(NoBackup);
        }
        played
    }

    #[test]
    fn a_plan_is_accepted_if_and_only_if_every_fault_of_it_has_an_effect() {
        let mut accepted = 0;
        for mask in 0u32..1 << FaultKind::ALL.len() {
            let kinds = FaultKind::ALL.into_iter().enumerate();
            let kinds: BTreeSet<_> =
                kinds.filter(|(bit, _)| mask & (1 << bit) != 0).map(|(_, kind)| kind).collect();
            for slot in [0, 3] {
                let plan = FaultPlan::new(kinds.iter().map(|kind| Fault { kind: *kind, slot }));
                assert_eq!(plan.is_ok(), played(&kinds) == kinds, "{kinds:?}: {plan:?}");
                accepted += u32::from(plan.is_ok());
                let Ok(plan) = plan else { continue };
                for slots in [None, Some(slot), Some(slot + 1)] {
                    let is_within = kinds.is_empty() || slots != Some(slot);
                    assert_eq!(plan.require_within(slots).is_ok(), is_within, "{plan:?} {slots:?}");
                }
            }
        }
        // Alone or after a dead first candidate, and some of them without backup.
        assert_eq!(accepted, 2 * (1 + 6 + 5 + 4 + 2));
    }

    #[test]
    fn a_refused_plan_names_the_faults() {
        for (plan, expected) in [
            ("no-proof@1,no-reveal@0,no-proof@1", "no-proof@1 is in the plan twice"),
            ("no-proof@1,late-proof@1", "late-proof@1 and no-proof@1 can't both happen"),
            ("no-proposal@2,no-reveal@2", "no-proposal@2 and no-reveal@2 can't both happen"),
            ("no-backup@4,no-proof@4", "no-backup@4 has no effect: it needs no-proposal"),
        ] {
            let error = plan.parse::<FaultPlan>().unwrap_err().to_string();
            assert!(error.starts_with(expected), "{error}");
        }
        let plan: FaultPlan = "no-reveal@5".parse().unwrap();
        let error = plan.require_within(Some(2)).unwrap_err().to_string();
        assert_eq!(error, "no-reveal@5 can't happen: the planned slots are 0 to 1");
        assert_eq!(plan.after(5).count(), 1);
        assert_eq!(plan.after(6).count(), 0);
    }

    #[test]
    fn an_empty_text_is_an_empty_plan() {
        assert!("".parse::<FaultPlan>().unwrap().is_empty());
    }
}
