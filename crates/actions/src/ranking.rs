//! Who may propose in the slot in turn and in the next one, and with which rank.

use std::collections::BTreeMap;

use alloy::primitives::{Address, B256};
use fernet_bindings::IStaking;
use fernet_l1::{HeaderError, Scoring, seed_proof};
use fernet_protocol::{
    BlsSecretKey, EligibleSequencer, L1Slot, Ranked, Scorer, SequencerId, Slot, VrfInput, expected_rank,
    rank, seed, seed_at,
};
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use serde::Serialize;

use crate::{
    access::L1Access,
    error::ActionError,
    slots::overview,
    staking::{self, SequencerStatus},
    units::Moment,
};

/// Requests to L1 at a time.
const REQUESTS: usize = 16;

/// Which slots are ranked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Horizon {
    /// The slot in turn.
    Current,
    /// The slot in turn and the next one. Seeds of later slots aren't known.
    Next,
}

/// Whose own rank is asked for.
#[derive(Debug)]
pub struct Own<'a> {
    /// The sequencer.
    pub sequencer: u32,
    /// Its BLS key, without which its score is hidden under VRF scoring.
    pub bls_key: Option<&'a BlsSecretKey>,
}

/// The ranking of a slot.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SlotRanking {
    /// The slot.
    pub slot: u64,
    /// How sequencers are scored: public or vrf.
    pub scoring: &'static str,
    /// First L1 slot of the slot; that of the next slot depends on when the slot in turn ends.
    pub start: Option<Moment>,
    /// L1 slot whose RANDAO mix gives the seed.
    pub seed_at: Moment,
    /// The seed, if it is known.
    pub seed: Option<B256>,
    /// Sequencers that may propose.
    pub eligible: usize,
    /// Proposals that the slot takes.
    pub max_candidates: u8,
    /// All of them by their rank, best first. Under VRF scoring only those that proposed have known scores.
    /// The list is empty while the seed isn't known.
    pub ranked: Vec<RankedSequencer>,
    /// The rank that was asked for.
    pub own: Option<OwnRank>,
}

/// A sequencer with its rank.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RankedSequencer {
    /// Rank, 0 the best.
    pub rank: usize,
    /// Its number.
    pub sequencer: u32,
    /// Account that sends its proposals.
    pub attester: Address,
    /// Its score, in hexadecimal.
    pub score: String,
    /// Whether it has proposed and is on the list.
    pub proposed: bool,
}

/// A sequencer's own rank.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct OwnRank {
    /// Its number.
    pub sequencer: u32,
    /// Whether it may propose in the slot.
    pub eligible: bool,
    /// Its rank; expected, under VRF scoring. None without a seed or without the BLS key.
    pub rank: Option<usize>,
    /// Its score, in hexadecimal.
    pub score: Option<String>,
}

/// The ranking of the slot in turn, and of the next one.
///
/// # Errors
/// If there is no such sequencer, the BLS key isn't its key, or the L1 doesn't answer.
pub async fn rankings(
    access: &L1Access,
    horizon: Horizon,
    own: Option<&Own<'_>>,
) -> Result<Vec<SlotRanking>, ActionError> {
    let overview = overview(access).await?;
    let current = overview.slot;
    let parameters = access.deployment.parameters();
    let sequencers = staking::sequencers(access, None).await?;
    if let Some(own) = own
        && !sequencers.iter().any(|sequencer| sequencer.sequencer == own.sequencer)
    {
        let last = sequencers.last().map_or(0, |last| last.sequencer);
        return Err(ActionError::UnknownSequencer { id: own.sequencer, last });
    }
    let proposals: BTreeMap<u32, String> = current
        .candidates
        .iter()
        .map(|candidate| (candidate.sequencer, format!("{:#050x}", candidate.score)))
        .collect();
    let known = (!current.seed.is_zero()).then_some(current.seed);
    let in_turn = Asked {
        slot: Slot::new(current.slot),
        start: Some(L1Slot::new(current.start)),
        previous_start: L1Slot::new(current.previousStart),
        seed_at: L1Slot::new(current.seedAt),
        seed: known,
        proposals,
    };
    let mut rankings = vec![ranking(access, &sequencers, in_turn, own).await?];
    if horizon == Horizon::Next {
        let start = L1Slot::new(current.start);
        let next = Asked {
            slot: Slot::new(current.slot).plus(1),
            start: None,
            previous_start: start,
            seed_at: seed_at(start, parameters),
            seed: None,
            proposals: BTreeMap::new(),
        };
        rankings.push(ranking(access, &sequencers, next, own).await?);
    }
    Ok(rankings)
}

/// A slot whose ranking is asked for.
struct Asked {
    slot: Slot,
    start: Option<L1Slot>,
    previous_start: L1Slot,
    seed_at: L1Slot,
    seed: Option<B256>,
    /// Scores of those that proposed.
    proposals: BTreeMap<u32, String>,
}

async fn ranking(
    access: &L1Access,
    sequencers: &[SequencerStatus],
    asked: Asked,
    own: Option<&Own<'_>>,
) -> Result<SlotRanking, ActionError> {
    let deployment = &access.deployment;
    let eligible = eligible(access, sequencers, asked.previous_start).await?;
    let seed = match asked.seed {
        Some(seed) => Some(seed),
        None => seed_of(access, asked.slot, asked.seed_at).await?,
    };
    let ranked = match (deployment.scoring(), seed) {
        (Scoring::Public, Some(seed)) => {
            let scorer = Scorer::new(deployment.rollup_id(), asked.slot, seed);
            rank(&scorer, &eligible)
        }
        _ => Vec::new(),
    };
    let own = match own {
        Some(own) => Some(own_rank(access, &asked, seed, &eligible, &ranked, own).await?),
        None => None,
    };
    let shown = |(rank, ranked): (usize, &Ranked)| RankedSequencer {
        rank,
        sequencer: ranked.sequencer.get(),
        attester: ranked.attester,
        score: format!("{:#050x}", ranked.score.get()),
        proposed: asked.proposals.contains_key(&ranked.sequencer.get()),
    };
    let ranked = match deployment.scoring() {
        Scoring::Public => ranked.iter().enumerate().map(shown).collect(),
        Scoring::Vrf => proposed(&asked.proposals, &eligible),
    };
    Ok(SlotRanking {
        slot: asked.slot.get(),
        scoring: deployment.scoring().name(),
        start: asked.start.map(|start| access.units().at(start)),
        seed_at: access.units().at(asked.seed_at),
        seed,
        eligible: eligible.len(),
        max_candidates: deployment.parameters().max_candidates,
        ranked,
        own,
    })
}

/// Under VRF scoring: those whose scores a proposal has shown.
fn proposed(proposals: &BTreeMap<u32, String>, eligible: &[EligibleSequencer]) -> Vec<RankedSequencer> {
    let mut shown: Vec<(&String, &u32)> = proposals.iter().map(|(id, score)| (score, id)).collect();
    // All have the same number of digits.
    shown.sort_by(|a, b| b.cmp(a));
    let attester = |id: u32| {
        let found = eligible.iter().find(|eligible| eligible.sequencer.get() == id);
        found.map(|eligible| eligible.attester).unwrap_or_default()
    };
    let shown = shown.into_iter().enumerate();
    shown
        .map(|(rank, (score, id))| RankedSequencer {
            rank,
            sequencer: *id,
            attester: attester(*id),
            score: score.clone(),
            proposed: true,
        })
        .collect()
}

async fn own_rank(
    access: &L1Access,
    asked: &Asked,
    seed: Option<B256>,
    eligible: &[EligibleSequencer],
    ranked: &[Ranked],
    own: &Own<'_>,
) -> Result<OwnRank, ActionError> {
    let id = SequencerId::new(own.sequencer);
    let is_eligible = eligible.iter().any(|eligible| eligible.sequencer == id);
    let unknown = OwnRank { sequencer: own.sequencer, eligible: is_eligible, rank: None, score: None };
    let found = match (access.deployment.scoring(), seed, own.bls_key) {
        (Scoring::Public, ..) => {
            let mut found = ranked.iter().enumerate();
            found.find(|(_, ranked)| ranked.sequencer == id).map(|(rank, ranked)| (rank, ranked.score))
        }
        (Scoring::Vrf, Some(seed), Some(key)) if is_eligible => {
            let staking = IStaking::new(access.deployment.contracts().staking, access.provider.clone());
            let expected = staking.blsKeyHashAt(own.sequencer, asked.previous_start.get()).call().await;
            if expected.map_err(|error| access.failed(error))? != key.public_key().hash() {
                return Err(ActionError::WrongBlsKey { id: own.sequencer });
            }
            let rollup = access.deployment.rollup_id();
            let input = VrfInput { rollup, slot: asked.slot, seed, sequencer: id };
            let score = key.prove_vrf(&input).score();
            Some((expected_rank(score, eligible.len().saturating_sub(1)), score))
        }
        (Scoring::Vrf, ..) => None,
    };
    Ok(match found {
        Some((rank, score)) => {
            OwnRank { rank: Some(rank), score: Some(format!("{:#050x}", score.get())), ..unknown }
        }
        None => unknown,
    })
}

/// The sequencers that may propose in a slot whose predecessor started at `active_by`. The contract is asked
/// about each active one: only it knows earlier keys.
async fn eligible(
    access: &L1Access,
    sequencers: &[SequencerStatus],
    active_by: L1Slot,
) -> Result<Vec<EligibleSequencer>, ActionError> {
    let staking = IStaking::new(access.deployment.contracts().staking, access.provider.clone());
    let candidates: Vec<u32> = sequencers
        .iter()
        .filter(|sequencer| sequencer.status == "active" && sequencer.active_from.l1_slot <= active_by.get())
        .map(|sequencer| sequencer.sequencer)
        .collect();
    let found: Vec<Option<EligibleSequencer>> = stream::iter(candidates)
        .map(|id| {
            let staking = &staking;
            async move {
                let attester = staking.eligibleAttester(id, active_by.get()).call().await;
                let attester = attester.map_err(|error| access.failed(error))?;
                let sequencer = SequencerId::new(id);
                Ok::<_, ActionError>(
                    (!attester.is_zero()).then_some(EligibleSequencer { sequencer, attester }),
                )
            }
        })
        .buffered(REQUESTS)
        .try_collect()
        .await?;
    Ok(found.into_iter().flatten().collect())
}

/// The seed of a slot from L1's headers; `None` while L1 hasn't passed the L1 slot that decides it.
async fn seed_of(access: &L1Access, slot: Slot, at: L1Slot) -> Result<Option<B256>, ActionError> {
    match seed_proof(&access.provider, &access.deployment.clock(), at).await {
        Ok(proof) => Ok(Some(seed(proof.mix, slot))),
        Err(HeaderError::NotYet { .. }) => Ok(None),
        Err(error) => Err(error.into()),
    }
}
