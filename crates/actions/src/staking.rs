//! Sequencers: their registrations, and the actions of their owners, attesters and withdrawers.

use alloy::primitives::{Address, B256, U256, aliases::U96};
use fernet_bindings::{IReader, IStaking, Registration, SequencerView, Status};
use fernet_protocol::{BlsSecretKey, ChainId, L1Slot, Possession};
use serde::Serialize;

use crate::{
    access::L1Access,
    action::Action,
    error::ActionError,
    explain::status_name,
    units::{Amount, AmountError, Moment},
};

/// Registrations that one call reads.
const PAGE: u32 = 500;

/// A registration as of L1's newest block.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SequencerStatus {
    /// Number of the registration, from 1.
    pub sequencer: u32,
    /// Its state: queued, active, exiting or exited.
    pub status: &'static str,
    /// Whether it is a candidate of a slot that isn't settled: its stake can't be withdrawn then.
    pub candidate: bool,
    /// Account that registered it and gets its rewards.
    pub owner: Address,
    /// Account that sends its proposals.
    pub attester: Address,
    /// Account that gets the stake back.
    pub withdrawer: Address,
    /// Stake, in token units.
    pub stake: Amount,
    /// First L1 slot in which it is active.
    pub active_from: Moment,
    /// L1 slot in which its exit started.
    pub exit_at: Option<Moment>,
    /// First L1 slot in which its stake can be withdrawn.
    pub withdrawable_from: Option<Moment>,
    /// L2 account that gets the fees of its blocks; 0 for none.
    pub fee_recipient: u32,
    /// Keccak-256 of its BLS key.
    pub bls_key_hash: B256,
    /// Attester that replaces the present one.
    pub next_attester: Option<Rotation<Address>>,
    /// Hash of the BLS key that replaces the present one.
    pub next_bls_key_hash: Option<Rotation<B256>>,
}

/// A key that takes effect later.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Rotation<T> {
    /// The key.
    pub key: T,
    /// First L1 slot in which it counts.
    pub from: Moment,
}

impl SequencerStatus {
    fn of(access: &L1Access, view: SequencerView) -> Self {
        let (units, found) = (access.units(), view.registration);
        let at = |l1_slot: u64| units.at(L1Slot::new(l1_slot));
        let exit_at = (found.exitAt != 0).then_some(found.exitAt);
        let exit_delay = access.deployment.exit_delay();
        let is_leaving = view.status == Status::Exiting;
        Self {
            sequencer: view.id,
            status: status_name(view.status),
            candidate: view.candidate,
            owner: found.owner,
            attester: found.attester,
            withdrawer: found.withdrawer,
            stake: Amount(U256::from(found.stake)),
            active_from: at(found.activeFrom),
            exit_at: exit_at.map(at),
            withdrawable_from: exit_at
                .filter(|_| is_leaving)
                .map(|exit_at| at(exit_at.saturating_add(exit_delay))),
            fee_recipient: found.feeRecipient,
            bls_key_hash: found.blsKeyHash,
            next_attester: (found.nextAttesterFrom != 0)
                .then(|| Rotation { key: found.nextAttester, from: at(found.nextAttesterFrom) }),
            next_bls_key_hash: (found.nextBlsKeyFrom != 0)
                .then(|| Rotation { key: found.nextBlsKeyHash, from: at(found.nextBlsKeyFrom) }),
        }
    }

    /// Whether its stake is still in the contract, and it may propose or can be slashed.
    #[must_use]
    pub fn is_registered(&self) -> bool {
        matches!(self.status, "queued" | "active" | "exiting")
    }
}

/// A sequencer by its number.
///
/// # Errors
/// If there is no such sequencer, or the L1 doesn't answer.
pub async fn sequencer(access: &L1Access, id: u32) -> Result<SequencerStatus, ActionError> {
    let found = page(access, id, 1).await?.into_iter().next();
    match found {
        Some(found) => Ok(found),
        None => Err(ActionError::UnknownSequencer { id, last: count(access).await? }),
    }
}

/// Every sequencer, or those that `account` owns, attests or withdraws for, by their numbers.
///
/// # Errors
/// If the L1 doesn't answer.
pub async fn sequencers(
    access: &L1Access,
    account: Option<Address>,
) -> Result<Vec<SequencerStatus>, ActionError> {
    let mut found = Vec::new();
    let (mut from, last) = (1, count(access).await?);
    while from <= last {
        let page = page(access, from, PAGE).await?;
        if page.is_empty() {
            break;
        }
        from = from.saturating_add(u32::try_from(page.len()).unwrap_or(u32::MAX));
        found.extend(page.into_iter().filter(|sequencer| {
            account.is_none_or(|account| {
                [sequencer.owner, sequencer.attester, sequencer.withdrawer].contains(&account)
            })
        }));
    }
    Ok(found)
}

async fn page(access: &L1Access, from: u32, limit: u32) -> Result<Vec<SequencerStatus>, ActionError> {
    let reader = IReader::new(access.deployment.contracts().reader, access.provider.clone());
    let page = reader.sequencers(from, limit).call().await.map_err(|error| access.failed(error))?;
    Ok(page.into_iter().map(|view| SequencerStatus::of(access, view)).collect())
}

/// Number of registrations ever made.
///
/// # Errors
/// If the L1 doesn't answer.
pub async fn count(access: &L1Access) -> Result<u32, ActionError> {
    let staking = IStaking::new(access.deployment.contracts().staking, access.provider.clone());
    staking.count().call().await.map_err(|error| access.failed(error))
}

/// First L1 slot in which a sequencer that registers now is active.
///
/// # Errors
/// If the entry queue is full, or the L1 doesn't answer.
pub async fn next_activation(access: &L1Access) -> Result<L1Slot, ActionError> {
    let staking = IStaking::new(access.deployment.contracts().staking, access.provider.clone());
    let at = staking.nextActivation().call().await.map_err(|error| access.failed(error))?;
    Ok(L1Slot::new(at))
}

/// Who and what a new sequencer is.
#[derive(Debug, Clone)]
pub struct RegisterTerms<'a> {
    /// Account that pays the stake and sends the registration.
    pub owner: Address,
    /// Account that sends its proposals.
    pub attester: Address,
    /// Account that gets the stake back; the owner without one.
    pub withdrawer: Option<Address>,
    /// L2 account that gets the fees of its blocks; 0 for none.
    pub fee_recipient: u32,
    /// BLS key. It signs that it is registered by the owner, and doesn't leave this process.
    pub bls_key: &'a BlsSecretKey,
}

fn possession(access: &L1Access, owner: Address, key: &BlsSecretKey) -> ([B256; 4], [B256; 8]) {
    let possession = Possession {
        chain_id: ChainId::new(access.deployment.chain_id()),
        staking: access.deployment.contracts().staking,
        owner,
    };
    (key.public_key().words(), key.prove_possession(&possession).words())
}

fn action(
    access: &L1Access,
    name: &'static str,
    call: &impl alloy::sol_types::SolCall,
    what: String,
) -> Action {
    Action::new(name, access.deployment.contracts().staking, call, what)
}

/// Registers a sequencer.
#[must_use]
pub fn register(access: &L1Access, terms: &RegisterTerms<'_>) -> Action {
    let (bls_key, proof) = possession(access, terms.owner, terms.bls_key);
    let registration = Registration {
        attester: terms.attester,
        withdrawer: terms.withdrawer.unwrap_or(Address::ZERO),
        feeRecipient: terms.fee_recipient,
        blsKey: bls_key,
        proofOfPossession: proof,
    };
    let stake = U256::from(access.deployment.stake().get());
    let shown = access.units().tokens(stake);
    let what = format!("register a sequencer with attester {} for a stake of {shown}", terms.attester);
    action(access, "register", &IStaking::registerCall { registration }, what).taking(stake)
}

/// Takes a queued sequencer back before it is active.
#[must_use]
pub fn cancel_entry(access: &L1Access, sequencer: u32) -> Action {
    let what = format!("cancel the entry of sequencer {sequencer} and pay its stake to its withdrawer");
    action(access, "cancel-entry", &IStaking::cancelEntryCall { sequencer }, what)
}

/// Starts the exit of a sequencer.
#[must_use]
pub fn exit(access: &L1Access, sequencer: u32) -> Action {
    let what = format!("start the exit of sequencer {sequencer}: it proposes no more");
    action(access, "exit", &IStaking::initiateExitCall { sequencer }, what)
}

/// Pays the stake of a sequencer whose exit is over to its withdrawer.
#[must_use]
pub fn withdraw(access: &L1Access, sequencer: u32) -> Action {
    let what = format!("pay the stake of sequencer {sequencer} to its withdrawer");
    action(access, "withdraw-stake", &IStaking::withdrawCall { sequencer }, what)
}

/// Adds token units to the stake of a sequencer.
///
/// # Errors
/// If the amount has more than 96 bits.
pub fn top_up(access: &L1Access, sequencer: u32, amount: U256) -> Result<Action, ActionError> {
    let shown = access.units().tokens(amount);
    let narrow = u128::try_from(amount).ok().and_then(|amount| U96::try_from(amount).ok());
    let narrow = narrow.ok_or_else(|| AmountError::TooHigh { text: access.units().number(amount) })?;
    let what = format!("add {shown} to the stake of sequencer {sequencer}");
    Ok(action(access, "top-up", &IStaking::topUpCall { sequencer, amount: narrow }, what).taking(amount))
}

/// Replaces the attester of a sequencer, from the end of the entry period on.
#[must_use]
pub fn rotate_attester(access: &L1Access, sequencer: u32, attester: Address) -> Action {
    let from = access.units().span(access.deployment.entry_period());
    let what = format!("make {attester} the attester of sequencer {sequencer}, after {from}");
    action(access, "rotate-attester", &IStaking::rotateAttesterCall { sequencer, attester }, what)
}

/// Replaces the BLS key of a sequencer, from the end of the entry period on.
#[must_use]
pub fn rotate_bls_key(access: &L1Access, sequencer: u32, owner: Address, key: &BlsSecretKey) -> Action {
    let (bls_key, proof) = possession(access, owner, key);
    let from = access.units().span(access.deployment.entry_period());
    let what = format!(
        "make the BLS key with hash {} that of sequencer {sequencer}, after {from}",
        key.public_key().hash()
    );
    let call = IStaking::rotateBlsKeyCall { sequencer, blsKey: bls_key, proofOfPossession: proof };
    action(access, "rotate-bls-key", &call, what)
}

/// Passes the right to the stake of a sequencer to another account.
#[must_use]
pub fn set_withdrawer(access: &L1Access, sequencer: u32, withdrawer: Address) -> Action {
    let what = format!("make {withdrawer} the withdrawer of sequencer {sequencer}");
    action(access, "set-withdrawer", &IStaking::setWithdrawerCall { sequencer, withdrawer }, what)
}

/// Sets the L2 account that gets the fees of a sequencer's blocks; 0 for none.
#[must_use]
pub fn set_fee_recipient(access: &L1Access, sequencer: u32, account: u32) -> Action {
    let what = if account == 0 {
        format!("burn the fees of sequencer {sequencer}")
    } else {
        format!("pay the fees of sequencer {sequencer} to L2 account {account}")
    };
    let call = IStaking::setFeeRecipientCall { sequencer, feeRecipient: account };
    action(access, "set-fee-recipient", &call, what)
}
