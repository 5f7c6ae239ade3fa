//! Scores and the list of proposals.

use crate::support::{Random, Table};
use alloy_primitives::{B256, U256, aliases::U192};
use fernet_protocol::{
    CandidateList, ChainId, EligibleSequencer, MAX_CANDIDATES, Proposal, ProposalRefused, RollupId, Score,
    Scorer, SequencerId, Slot,
};

/// Proposals in each case of `candidates.json`.
const PROPOSALS: u64 = 8;

pub(crate) fn scores() -> Table {
    let mut random = Random::new(4);
    let mut table = Table::default();
    for case in 0..64_u64 {
        let rollup =
            RollupId::new(ChainId::new(if case < 8 { 31_337 } else { random.next() >> 1 }), random.address());
        let slot = Slot::new(random.next() >> (case % 64));
        let seed = random.word();
        let eligible = EligibleSequencer {
            sequencer: SequencerId::new(u32::try_from(random.next() >> (32 + case % 32)).expect("32 bits")),
            attester: random.address(),
        };
        table.put("chainId", rollup.chain_id.get());
        table.put("rollup", rollup.address);
        table.put("slot", slot.get());
        table.put("seed", seed);
        table.put("sequencer", eligible.sequencer.get());
        table.put("attester", eligible.attester);
        table.put("score", U256::from(Scorer::new(rollup, slot, seed).score(&eligible).get()));
    }
    table
}

pub(crate) fn candidates() -> Table {
    let mut random = Random::new(5);
    let mut table = Table::default();
    for case in 0..64_u64 {
        let maximum = u8::try_from(1 + case % 4).expect("at most 4");
        let mut list = CandidateList::new(maximum);
        table.put("maxCandidates", maximum);
        for _ in 0..PROPOSALS {
            // few ids and few scores, so that both repeat
            let sequencer = SequencerId::new(u32::try_from(random.within(1, 9)).expect("small"));
            let score = Score::new(U192::from(random.within(1, 7)));
            let result = list.insert(Proposal { sequencer, score, header_hash: B256::ZERO });
            table.put("sequencer", sequencer.get());
            table.put("score", U256::from(score.get()));
            let (outcome, displaced) = match result {
                Ok(inserted) => (0_u8, inserted.displaced.map_or(0, |d| d.sequencer.get())),
                Err(ProposalRefused::AlreadyProposed { .. }) => (1, 0),
                Err(ProposalRefused::ScoreTooLow { .. }) => (2, 0),
            };
            table.put("outcome", outcome);
            table.put("displaced", displaced);
        }
        table.put("count", list.as_slice().len());
        for rank in 0..MAX_CANDIDATES {
            table.put("ranked", list.as_slice().get(rank).map_or(0, |e| e.sequencer.get()));
        }
    }
    table
}
