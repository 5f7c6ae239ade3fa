//! Calls with their arguments, and header proofs in decoded form.

use alloy::{
    primitives::{Address, B256, Bytes, Log},
    sol_types::SolCall,
};
use fernet_bindings::{
    IBridge, IEscrow, IGuardian, IRandomness, IRegistry, IRewards, IRollup, IStaking, ITimelock, IVotes,
};

use crate::rules::Addresses;

/// Result of a call: its events in order, or its revert data.
pub(crate) type Reply = Result<Vec<Log>, Bytes>;

/// An L1 block in a header proof.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ShownBlock {
    pub(crate) number: u64,
    /// Unix time, seconds.
    pub(crate) timestamp: u64,
    pub(crate) mix: B256,
    pub(crate) hash: B256,
    pub(crate) rlp: Bytes,
}

/// A header proof: a block, and its parent if the proof contains it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct HeaderProof {
    pub(crate) child: ShownBlock,
    pub(crate) parent: Option<ShownBlock>,
}

/// One call of one contract.
#[derive(Debug, Clone)]
pub(crate) enum Call {
    Propose(IRollup::proposeCall, Option<HeaderProof>),
    Commit(IRollup::commitCall),
    Reveal(IRollup::revealCall),
    Finalize(IRollup::finalizeCall),
    FinalizeBackup(IRollup::finalizeBackupCall),
    Settle,
    Sync,
    Pause,
    Prove(IRandomness::proveCall, HeaderProof),
    Register(IStaking::registerCall),
    CancelEntry(IStaking::cancelEntryCall),
    SetEntryFlush(IStaking::setEntryFlushCall),
    TopUp(IStaking::topUpCall),
    SetWithdrawer(IStaking::setWithdrawerCall),
    SetFeeRecipient(IStaking::setFeeRecipientCall),
    RotateAttester(IStaking::rotateAttesterCall),
    RotateBlsKey(IStaking::rotateBlsKeyCall),
    InitiateExit(IStaking::initiateExitCall),
    WithdrawStake(IStaking::withdrawCall),
    SlashStake(IStaking::slashCall),
    EscrowDeposit(IEscrow::depositCall),
    EscrowRequest(IEscrow::requestWithdrawalCall),
    EscrowWithdraw(IEscrow::withdrawCall),
    SetSigner(IEscrow::setSignerCall),
    EscrowLock(IEscrow::lockCall),
    EscrowRelease(IEscrow::releaseCall),
    EscrowSlash(IEscrow::slashCall),
    Fund(IRewards::fundCall),
    Claim(IRewards::claimCall),
    SetRates(IRewards::setRatesCall),
    Deposit(IBridge::depositCall),
    ForceExit(IBridge::forceExitCall),
    ClaimWithdrawal(IBridge::claimCall),
    Signal(IVotes::signalCall),
    Push(IVotes::pushCall),
    Queue(ITimelock::queueCall),
    Execute(ITimelock::executeCall),
    GuardianPause,
    Approve,
    SetGuardian(IGuardian::setGuardianCall),
    AddVersion(IRegistry::addVersionCall),
}

/// A call with its sender and time.
#[derive(Debug, Clone)]
pub(crate) struct Step {
    pub(crate) sender: Address,
    /// Unix time, seconds.
    pub(crate) timestamp: u64,
    /// Versioned hashes of the transaction's blobs.
    pub(crate) blobs: Vec<B256>,
    pub(crate) call: Call,
}

impl Call {
    /// Address of the called contract, and the calldata.
    pub(crate) fn encode(&self, at: &Addresses) -> (Address, Bytes) {
        let (to, data) = match self {
            Self::Propose(call, _) => (at.rollup, call.abi_encode()),
            Self::Commit(call) => (at.rollup, call.abi_encode()),
            Self::Reveal(call) => (at.rollup, call.abi_encode()),
            Self::Finalize(call) => (at.rollup, call.abi_encode()),
            Self::FinalizeBackup(call) => (at.rollup, call.abi_encode()),
            Self::Settle => (at.rollup, IRollup::settleCall {}.abi_encode()),
            Self::Sync => (at.rollup, IRollup::syncCall {}.abi_encode()),
            Self::Pause => (at.rollup, IRollup::pauseCall {}.abi_encode()),
            Self::Prove(call, _) => (at.randomness, call.abi_encode()),
            Self::Register(call) => (at.staking, call.abi_encode()),
            Self::CancelEntry(call) => (at.staking, call.abi_encode()),
            Self::SetEntryFlush(call) => (at.staking, call.abi_encode()),
            Self::TopUp(call) => (at.staking, call.abi_encode()),
            Self::SetWithdrawer(call) => (at.staking, call.abi_encode()),
            Self::SetFeeRecipient(call) => (at.staking, call.abi_encode()),
            Self::RotateAttester(call) => (at.staking, call.abi_encode()),
            Self::RotateBlsKey(call) => (at.staking, call.abi_encode()),
            Self::InitiateExit(call) => (at.staking, call.abi_encode()),
            Self::WithdrawStake(call) => (at.staking, call.abi_encode()),
            Self::SlashStake(call) => (at.staking, call.abi_encode()),
            Self::EscrowDeposit(call) => (at.escrow, call.abi_encode()),
            Self::EscrowRequest(call) => (at.escrow, call.abi_encode()),
            Self::EscrowWithdraw(call) => (at.escrow, call.abi_encode()),
            Self::SetSigner(call) => (at.escrow, call.abi_encode()),
            Self::EscrowLock(call) => (at.escrow, call.abi_encode()),
            Self::EscrowRelease(call) => (at.escrow, call.abi_encode()),
            Self::EscrowSlash(call) => (at.escrow, call.abi_encode()),
            Self::Fund(call) => (at.rewards, call.abi_encode()),
            Self::Claim(call) => (at.rewards, call.abi_encode()),
            Self::SetRates(call) => (at.rewards, call.abi_encode()),
            Self::Deposit(call) => (at.bridge, call.abi_encode()),
            Self::ForceExit(call) => (at.bridge, call.abi_encode()),
            Self::ClaimWithdrawal(call) => (at.bridge, call.abi_encode()),
            Self::Signal(call) => (at.votes, call.abi_encode()),
            Self::Push(call) => (at.votes, call.abi_encode()),
            Self::Queue(call) => (at.timelock, call.abi_encode()),
            Self::Execute(call) => (at.timelock, call.abi_encode()),
            Self::GuardianPause => (at.guardian, IGuardian::pauseCall {}.abi_encode()),
            Self::Approve => (at.guardian, IGuardian::approveCall {}.abi_encode()),
            Self::SetGuardian(call) => (at.guardian, call.abi_encode()),
            Self::AddVersion(call) => (at.registry, call.abi_encode()),
        };
        (to, data.into())
    }

    /// Name of the function.
    pub(crate) fn name(&self) -> String {
        let text = format!("{self:?}");
        text.split(['(', ' ']).next().unwrap_or_default().to_owned()
    }
}
