//! Prepares a fresh deployment: ether and tokens for all accounts, registrations, bonds, and the first
//! deposits.

use alloy::{
    primitives::{Address, U256},
    rpc::types::TransactionReceipt,
    signers::local::PrivateKeySigner,
    sol_types::SolEvent,
};
use fernet_bindings::{IBridge, IERC20, IEscrow, IStaking, Registration};
use fernet_l1::Deployment;
use fernet_ledger::{AccountIndex, field};
use fernet_protocol::{ChainId, Possession, SequencerId};

use crate::{
    accounts::Accounts,
    backend::L1Backend,
    batch::{BatchError, Call, send},
};

/// What each user deposits to L2, in L2 units: a thousand tokens at a unit of 10^9.
pub const USER_DEPOSIT: u64 = 1_000_000_000_000;
/// Escrow of each prover, in smallest bonds.
const BONDS: u64 = 100;

/// Why a deployment couldn't be prepared.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    /// A transaction failed.
    #[error(transparent)]
    Batch(#[from] BatchError),
    /// A contract didn't emit the event that names an id.
    #[error("transaction {transaction} emitted no {event}")]
    NoEvent {
        /// The event.
        event: &'static str,
        /// The transaction.
        transaction: alloy::primitives::TxHash,
    },
}

/// The ids that the deployment gave.
#[derive(Debug, Clone)]
pub struct Setup {
    /// Ids of the sequencers, in the order of [`Accounts::sequencers`].
    pub sequencers: Vec<SequencerId>,
    /// L2 accounts of the users, in the order of [`Accounts::users`].
    pub users: Vec<AccountIndex>,
}

/// Prepares a fresh deployment.
///
/// # Errors
/// When a transaction fails.
pub async fn prepare(
    backend: &L1Backend,
    deployment: &Deployment,
    accounts: &Accounts,
) -> Result<Setup, SetupError> {
    let contracts = deployment.contracts();
    let funder = &accounts.funder;
    let stake = U256::from(deployment.stake().get());
    let escrow = deployment.parameters().min_bond.get().saturating_mul(u128::from(BONDS));
    let deposit = deployment.unit().saturating_mul(U256::from(USER_DEPOSIT));

    // How many tokens each account needs, and for which contract.
    let mut parties: Vec<(&PrivateKeySigner, U256, Address)> = Vec::new();
    parties.extend(accounts.sequencers.iter().map(|signer| (signer, stake, contracts.staking)));
    parties.extend(accounts.provers.iter().map(|signer| (signer, U256::from(escrow), contracts.escrow)));
    parties.extend(accounts.users.iter().map(|user| (&user.l1, deposit, contracts.bridge)));

    let ether = accounts.needs().map(|(to, value)| Call::pay(funder, to, value));
    let tokens = parties
        .iter()
        .map(|(signer, amount, _)| (signer.address(), *amount))
        .map(|(to, value)| Call::new(funder, contracts.token, &IERC20::transferCall { to, value }));
    send(backend, "funding the accounts", ether.chain(tokens).collect()).await?;

    let approvals = parties.iter().map(|(signer, value, spender)| {
        Call::new(signer, contracts.token, &IERC20::approveCall { spender: *spender, value: *value })
    });
    send(backend, "approving the contracts", approvals.collect()).await?;

    let keys = accounts.sequencers.iter().zip(&accounts.bls);
    let recipients = (1..).take(accounts.users.len()).cycle();
    let registrations = keys.zip(recipients).map(|((signer, bls), fee_recipient)| {
        let possession = Possession {
            chain_id: ChainId::new(deployment.chain_id()),
            staking: contracts.staking,
            owner: signer.address(),
        };
        let registration = Registration {
            attester: signer.address(),
            withdrawer: Address::ZERO,
            // Fees of blocks go to the users' L2 accounts in turn: the devnet's sequencers own none.
            feeRecipient: fee_recipient,
            blsKey: bls.public_key().words(),
            proofOfPossession: bls.prove_possession(&possession).words(),
        };
        Call::new(signer, contracts.staking, &IStaking::registerCall { registration })
    });
    let bonds = accounts.provers.iter().map(|signer| {
        let call = IEscrow::depositCall { account: signer.address(), amount: escrow };
        Call::new(signer, contracts.escrow, &call)
    });
    let deposits = accounts.users.iter().map(|user| {
        let (x, y) = coordinates(user);
        let call = IBridge::depositCall { owner: user.l1.address(), keyX: x, keyY: y, amount: USER_DEPOSIT };
        Call::new(&user.l1, contracts.bridge, &call)
    });
    let calls: Vec<_> = registrations.chain(bonds).chain(deposits).collect();
    let receipts = send(backend, "registering, escrowing and depositing", calls).await?;

    let sequencers = accounts.sequencers.len();
    let users = receipts.len().saturating_sub(accounts.users.len());
    Ok(Setup {
        sequencers: receipts
            .iter()
            .take(sequencers)
            .map(|receipt| Ok(SequencerId::new(event::<IStaking::Registered>(receipt)?.sequencer)))
            .collect::<Result<_, SetupError>>()?,
        users: receipts
            .iter()
            .skip(users)
            .map(|receipt| Ok(AccountIndex::new(event::<IBridge::Deposited>(receipt)?.index)))
            .collect::<Result<_, SetupError>>()?,
    })
}

/// A user's L2 key as the bridge takes it.
fn coordinates(user: &crate::accounts::User) -> (U256, U256) {
    let key = user.key();
    (U256::from_be_bytes(field::to_bytes(&key.x())), U256::from_be_bytes(field::to_bytes(&key.y())))
}

/// The one event of its kind in a receipt.
fn event<E: SolEvent>(receipt: &TransactionReceipt) -> Result<E, SetupError> {
    receipt
        .inner
        .logs()
        .iter()
        .find_map(|log| E::decode_log(&log.inner).ok())
        .map(|log| log.data)
        .ok_or(SetupError::NoEvent { event: E::SIGNATURE, transaction: receipt.transaction_hash })
}
