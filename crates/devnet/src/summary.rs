//! The summary at the end of a run.

use alloy::primitives::U256;
use fernet_follower::RollupView;
use fernet_l1::{Deployment, L1Provider};

use crate::{
    audit,
    record::{Amount, Conservation, Paid, Slashed, Summary, Withdrawal},
    recorder::Recorder,
    tokens::TokenBalances,
};

/// How the run ended.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) seed: u64,
    pub(crate) stopped: bool,
    pub(crate) withdrawal: Option<Withdrawal>,
    pub(crate) missing: Vec<String>,
}

/// Sums up a run at the L1 block that `view` has reached.
///
/// # Errors
/// When L1 doesn't answer.
pub(crate) async fn summary(
    recorder: &Recorder,
    view: &RollupView,
    deployment: &Deployment,
    provider: &L1Provider,
    ended: Ended,
) -> Result<Summary, alloy::contract::Error> {
    let totals = view.totals();
    let taken = totals.stake_slashed.saturating_add(totals.bonds_slashed);
    let withdrawn = U256::from(audit::claimed(view)).saturating_mul(deployment.unit());
    let (head, contents) = (view.head(), recorder.totals.contents);
    Ok(Summary {
        seed: ended.seed,
        stopped: ended.stopped,
        slots: recorder.totals.slots,
        outcomes: recorder.totals.outcomes,
        height: view.tip().height,
        transfers: contents.transfers,
        deposits: contents.deposits,
        withdrawals: contents.withdrawals,
        chunks: recorder.totals.chunks,
        proving_ms: recorder.totals.proving_ms,
        l1_slots: recorder.totals.l1_slots,
        l1_block: head.map(|head| head.number).unwrap_or_default(),
        l1_block_hash: head.map(|head| head.hash).unwrap_or_default(),
        state_root: view.tip().state_root,
        slashed: Slashed {
            stakes: Amount(totals.stake_slashed),
            bonds: Amount(totals.bonds_slashed),
            bond_shares: Amount(totals.bond_shares),
            burned: Amount(taken.saturating_sub(totals.bond_shares)),
        },
        paid: Paid {
            credited: Amount(totals.credited),
            claimed: Amount(totals.claimed),
            withdrawn: Amount(withdrawn),
        },
        withdrawal: ended.withdrawal,
        missing: ended.missing,
        conservation: conservation(recorder, view, deployment, provider).await?,
    })
}

async fn conservation(
    recorder: &Recorder,
    view: &RollupView,
    deployment: &Deployment,
    provider: &L1Provider,
) -> Result<Conservation, alloy::contract::Error> {
    let head = view.head().map(|head| head.number).unwrap_or_default();
    let (holders, ledger) = (recorder.history.holders(), recorder.audit.balances(view));
    let balances = TokenBalances::read(
        provider,
        deployment.contracts(),
        deployment.file().block..=head,
        holders,
        ledger,
    );
    let mut conservation = balances.await?.check();
    conservation.violations.extend_from_slice(recorder.audit.violations());
    conservation.holds = conservation.violations.is_empty();
    Ok(conservation)
}
