//! What goes wrong, and when.

use fernet_devnet::processes::Member;
use fernet_protocol::Phase;
use rand::{Rng as _, SeedableRng as _, rngs::StdRng, seq::IndexedRandom as _, seq::SliceRandom as _};

/// What goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Fault {
    /// A process is killed (SIGKILL), and started again some L1 blocks later.
    Kill(Member),
    /// L1 reorganizes that many blocks.
    Reorg(u64),
    /// A role's endpoint breaks every connection.
    EndpointDown(Member),
    /// A role's endpoint takes five seconds for each answer.
    EndpointSlow(Member),
    /// A role's endpoint has no blobs.
    WithoutBlobs(Member),
    /// A second copy of a sequencer runs, with a folder of its own.
    Copy(Member),
    /// A stranger sends garbage to a process, opens connections, and never reads.
    Stranger(Member),
}

impl Fault {
    /// L1 blocks until it is over.
    pub(crate) const fn blocks(self) -> u64 {
        match self {
            Self::Reorg(_) => 1,
            Self::Kill(_) | Self::EndpointDown(_) | Self::Stranger(_) => 2,
            Self::EndpointSlow(_) | Self::WithoutBlobs(_) => 6,
            Self::Copy(_) => 40,
        }
    }

    /// The process that it happens to; `None` if it happens to all.
    pub(crate) const fn member(self) -> Option<Member> {
        match self {
            Self::Kill(member)
            | Self::EndpointDown(member)
            | Self::EndpointSlow(member)
            | Self::WithoutBlobs(member)
            | Self::Copy(member)
            | Self::Stranger(member) => Some(member),
            Self::Reorg(_) => None,
        }
    }
}

/// The phases in which something can be done about a slot.
pub(crate) const PHASES: [Phase; 4] =
    [Phase::Proposal, Phase::Commitment, Phase::Reveal, Phase::ExclusiveProving];

/// Faults in a seeded order, each with the phase in which it begins.
#[derive(Debug)]
pub(crate) struct Schedule {
    waiting: Vec<(Phase, Fault)>,
    random: StdRng,
}

impl Schedule {
    /// One fault of each kind, each in a phase of its own choice.
    pub(crate) fn each_kind(members: &[Member], seed: u64) -> Self {
        let mut random = StdRng::seed_from_u64(seed);
        let kinds = kinds(members, &mut random);
        let waiting =
            kinds.into_iter().map(|fault| (*PHASES.choose(&mut random).expect("phases"), fault)).collect();
        Self { waiting, random }
    }

    /// Every kind at every phase, and every process killed once.
    pub(crate) fn every_phase(members: &[Member], seed: u64) -> Self {
        let mut random = StdRng::seed_from_u64(seed);
        let mut waiting = Vec::new();
        for phase in PHASES {
            for depth in [3, 12] {
                waiting.push((phase, Fault::Reorg(depth)));
            }
            waiting.extend(kinds(members, &mut random).into_iter().map(|fault| (phase, fault)));
        }
        for member in members {
            waiting.push((*PHASES.choose(&mut random).expect("phases"), Fault::Kill(*member)));
        }
        waiting.shuffle(&mut random);
        Self { waiting, random }
    }

    /// Takes a fault that begins in this phase, in some L1 blocks. None that would touch a `busy` process.
    pub(crate) fn take(&mut self, phase: Phase, busy: &[Fault]) -> Option<Fault> {
        // A fault in every second L1 block leaves time to recover from it.
        if !self.random.random_bool(0.5) {
            return None;
        }
        let is_free = |fault: &Fault| {
            busy.iter().all(|other| match (fault.member(), other.member()) {
                (Some(one), Some(other)) => one != other,
                // While L1 reorganizes, or a copy runs, nothing else goes wrong at that place.
                _ => fault != other,
            })
        };
        let index = self.waiting.iter().position(|(at, fault)| *at == phase && is_free(fault))?;
        Some(self.waiting.remove(index).1)
    }

    /// Faults that didn't happen.
    pub(crate) fn left(&self) -> usize {
        self.waiting.len()
    }
}

/// One fault of each kind.
fn kinds(members: &[Member], random: &mut StdRng) -> Vec<Fault> {
    let mut any = |of: fn(&Member) -> bool| {
        let some: Vec<Member> = members.iter().copied().filter(of).collect();
        *some.choose(random).expect("a process of each role")
    };
    let sequencer = |member: &Member| matches!(member, Member::Sequencer(_));
    let prover = |member: &Member| matches!(member, Member::Prover(_));
    let node = |member: &Member| matches!(member, Member::Node(_));
    vec![
        Fault::Kill(any(sequencer)),
        Fault::Kill(any(prover)),
        Fault::Kill(any(node)),
        Fault::Reorg(1),
        Fault::EndpointDown(any(sequencer)),
        Fault::EndpointSlow(any(prover)),
        Fault::WithoutBlobs(any(node)),
        Fault::Copy(any(sequencer)),
        Fault::Stranger(any(node)),
    ]
}
