//! A dishonest prover: it assigns any slots, valid or not, to the circuit, with the values that are most
//! likely to be accepted, and compares the result with the ledger's for the same data.
#![allow(dead_code, missing_docs, unreachable_pub)] // each test file uses a part

use std::collections::HashMap;

use alloy_primitives::Address;
use ark_ff::AdditiveGroup;
use fernet_circuit::{
    ChunkInputs, CircuitParams, System,
    assignment::{AccountAssignment, ChunkAssignment, SlotAssignment},
    synthesize,
};
use fernet_ledger::{
    keys::Message,
    operation::kind,
    replay::{ReplayError, Signatures, replay},
    *,
};
use fernet_protocol::{ChainId, RollupId};

pub const PARAMS: CircuitParams = CircuitParams { levels: 2, operations: 4, elements: 4 };
const LEAVES: u32 = 16;

pub fn domain() -> Domain {
    Domain::from(RollupId::new(ChainId::new(31_337), Address::repeat_byte(0x11)))
}

pub fn index(number: u32) -> AccountIndex {
    AccountIndex::new(number)
}

pub fn secret(number: u32) -> SecretKey {
    SecretKey::from_seed(&number.to_be_bytes())
}

pub fn deposit(number: u32, amount: u64) -> Deposit {
    Deposit { to: index(number), key: secret(number).public_key(), amount }
}

pub fn element(slot: Slot) -> Raw {
    let kind = slot.kind();
    let body = slot.pack() - Fr::from(kind) * power(160);
    let signer = match slot {
        Slot::Transfer { from, .. } | Slot::Withdrawal { from, .. } => from.get(),
        _ => 0,
    };
    let forced = matches!(slot, Slot::Exit { .. });
    Raw {
        kind,
        body,
        signer,
        nonce: None,
        domain: domain(),
        target: None,
        creates: None,
        forced,
        absent: None,
    }
}

pub fn transfer(from: u32, to: u32, amount: u64, fee: u32) -> Raw {
    element(Slot::Transfer { from: index(from), to: index(to), amount, fee })
}

pub fn withdrawal(from: u32, amount: u64, fee: u32) -> Raw {
    element(Slot::Withdrawal { from: index(from), amount, fee })
}

/// The exit of `amount` from `from`, to [`target`].
pub fn left(from: u32, amount: u64) -> Raw {
    element(Slot::Exit { from: index(from), amount })
}

/// What L1 has queued for [`left`].
pub fn exit(from: u32) -> QueuedOperation {
    Exit { from: index(from), target: Address::repeat_byte(0xaa) }.into()
}

pub fn target() -> Raw {
    element(Slot::Target(Address::repeat_byte(0xaa)))
}

pub fn paid(to: u32, amount: u64) -> Raw {
    element(Slot::Deposit { to: index(to), amount })
}

pub fn padding() -> Raw {
    element(Slot::Padding)
}

pub fn power(exponent: u64) -> Fr {
    ark_ff::Field::pow(&Fr::from(2u64), [exponent])
}

/// A slot as a dishonest prover assigns it.
#[derive(Debug, Clone)]
pub struct Raw {
    pub kind: u8,
    pub body: Fr,
    /// Account whose secret key signs.
    pub signer: u32,
    /// The signed nonce, the account's if `None`.
    pub nonce: Option<u32>,
    /// The signed domain.
    pub domain: Domain,
    /// The signed target, the next slot's body if `None`.
    pub target: Option<Fr>,
    /// Whether the recipient's leaf is claimed to be empty; the true value if `None`.
    pub creates: Option<bool>,
    /// Whether a slot of kind 2 is assigned as a forced exit.
    pub forced: bool,
    /// Whether the sender's leaf is claimed to be empty; the true value if `None`.
    pub absent: Option<bool>,
}

impl Raw {
    fn element(&self) -> Fr {
        self.body + Fr::from(self.kind) * power(160)
    }

    fn signs(&self) -> bool {
        self.kind == kind::TRANSFER || self.kind == kind::WITHDRAWAL && !self.forced
    }

    fn part(&self, start: usize, bits: usize) -> u64 {
        let bytes = fernet_ledger::field::to_bytes(&self.body);
        let number = bytes.iter().fold((0u128, 0u128), |(high, low), byte| {
            ((high << 8) | (low >> 120), (low << 8) | u128::from(*byte))
        });
        let shifted = if start >= 128 { number.0 >> (start - 128) } else { number.1 >> start };
        (shifted & ((1u128 << bits) - 1)) as u64
    }
}

#[derive(Debug, Clone, Copy)]
pub struct LooseAccount {
    pub key: (Fr, Fr),
    pub balance: Fr,
    pub nonce: Fr,
}

/// A chunk to assign to the circuit.
#[derive(Debug, Clone)]
pub struct Attempt {
    /// Accounts before the chunk, by deposits and nonces.
    pub accounts: Vec<(Deposit, u32)>,
    /// Operations of L1, in the order in which the proof lists them.
    pub queue: Vec<QueuedOperation>,
    pub slots: Vec<Raw>,
    pub fee_recipient: u32,
    pub fee_burn: FeeBurn,
    /// Burned fees; those of the rule if `None`.
    pub burned: Option<Fr>,
    /// Whether to credit the fees; the true value if `None`.
    pub credit: Option<bool>,
    /// Key of a deposit's account, if it isn't the deposited one.
    pub planted: Option<PublicKey>,
}

impl Attempt {
    /// Accounts 1 to 3 have a balance of 1,000 each, and the fees are burned.
    pub fn new(slots: impl IntoIterator<Item = Raw>) -> Self {
        let accounts = (1..4).map(|number| (deposit(number, 1_000), 0)).collect();
        let mut slots: Vec<Raw> = slots.into_iter().collect();
        slots.resize(PARAMS.operations, padding());
        Self {
            accounts,
            queue: Vec::new(),
            slots,
            fee_recipient: 0,
            fee_burn: FeeBurn::NONE,
            burned: None,
            credit: None,
            planted: None,
        }
    }

    pub fn deposits(self, deposits: impl IntoIterator<Item = Deposit>) -> Self {
        self.queue(deposits.into_iter().map(QueuedOperation::from))
    }

    pub fn queue(mut self, queue: impl IntoIterator<Item = QueuedOperation>) -> Self {
        self.queue.extend(queue);
        self
    }

    pub fn fee_burn(mut self, bps: u64) -> Self {
        self.fee_burn = FeeBurn::new(bps).unwrap();
        self
    }

    pub fn accounts(mut self, accounts: impl IntoIterator<Item = (Deposit, u32)>) -> Self {
        self.accounts = accounts.into_iter().collect();
        self
    }

    pub fn fee_recipient(mut self, number: u32) -> Self {
        self.fee_recipient = number;
        self
    }

    pub fn rules(&self) -> BlockRules {
        let layout = PARAMS.layout(2).unwrap();
        BlockRules {
            domain: domain(),
            layout,
            fee_burn: self.fee_burn,
            fee_recipient: index(self.fee_recipient),
        }
    }

    /// The state before the chunk.
    pub fn state(&self) -> State<TestStore> {
        State::new(TestStore::new(&self.accounts), PARAMS.levels().unwrap())
    }

    fn elements(&self) -> Vec<Fr> {
        self.slots.iter().map(Raw::element).collect()
    }

    /// The signatures in order, and by slot.
    fn signatures(&self) -> (Vec<Signature>, HashMap<usize, Signature>) {
        let mut nonces: HashMap<u64, u32> =
            self.accounts.iter().map(|(deposit, nonce)| (deposit.to.get().into(), *nonce)).collect();
        let (mut all, mut by_slot) = (Vec::new(), HashMap::new());
        for (number, raw) in self.slots.iter().enumerate() {
            if !raw.signs() {
                continue;
            }
            let nonce = nonces.entry(raw.part(0, 32)).or_default();
            let signed = raw.nonce.unwrap_or(*nonce);
            *nonce = nonce.wrapping_add(1);
            let next = self.slots.get(number + 1).map_or(Fr::ZERO, |next| next.body);
            let target = if raw.kind == kind::WITHDRAWAL { raw.target.unwrap_or(next) } else { Fr::ZERO };
            let message = Message { operation: raw.element() + Fr::from(signed) * power(168), target };
            let signature = secret(raw.signer).sign(raw.domain, &message);
            all.push(signature);
            by_slot.insert(number, signature);
        }
        (all, by_slot)
    }

    /// The ledger's result for the published data.
    pub fn native(&self) -> Result<BlockWitness, ReplayError> {
        let blobs = blob::encode(&self.rules().layout, &[self.elements()]);
        let (signatures, _) = self.signatures();
        let given = Signatures::Given(&signatures);
        let lanes: Lanes = self.queue.iter().copied().collect();
        replay(&mut self.state(), self.rules(), 1, &blobs, &lanes, given)
    }

    /// The values that are most likely to be accepted, and the public inputs as L1 computes them.
    pub fn assignment(&self) -> ChunkAssignment {
        let (_, signatures) = self.signatures();
        let mut tree = LooseTree::new(&self.accounts);
        let root_before = tree.root();
        let (mut slots, mut fees) = (Vec::new(), Fr::ZERO);
        let mut queue = self.queue.iter();
        for (number, raw) in self.slots.iter().enumerate() {
            let is = |kind: u8| raw.kind == kind;
            let (pays, receives, leaves) = (is(1) || is(2), is(1) || is(3), is(2) && raw.forced);
            let (from, to) = (raw.part(0, 32) as u32, raw.part(32, 32) as u32);
            let (amount, fee) = (Fr::from(raw.part(64, 64)), Fr::from(raw.part(128, 32)));
            let none = || AccountAssignment::unused(PARAMS.levels.into());
            let signer = secret(raw.signer).public_key();
            let (mut sender, mut recipient, mut creates, mut absent) = (none(), none(), false, false);
            let queued = if is(3) || leaves { queue.next() } else { None };
            if pays {
                let known = tree.account(from);
                absent = raw.absent.unwrap_or(known.is_none() && leaves);
                let mut account = known.unwrap_or(LooseAccount {
                    key: (signer.x(), signer.y()),
                    balance: amount + fee,
                    nonce: Fr::ZERO,
                });
                sender = tree.assign(from, &account);
                account.balance -= amount + fee;
                account.nonce += Fr::from(u64::from(!leaves));
                if !absent {
                    tree.set(from, account);
                }
                fees += fee;
            }
            if receives {
                let deposited = match queued {
                    Some(QueuedOperation::Deposit(deposit)) => Some(deposit.key),
                    _ => None,
                };
                let key = self.planted.or(deposited).unwrap_or(signer);
                let known = tree.account(to);
                creates = raw.creates.unwrap_or(known.is_none() && is(3));
                let mut account = known.unwrap_or(LooseAccount {
                    key: (key.x(), key.y()),
                    balance: Fr::ZERO,
                    nonce: Fr::ZERO,
                });
                if is(3) && self.planted.is_some() {
                    account.key = (key.x(), key.y());
                }
                recipient = tree.assign(to, &account);
                account.balance += amount;
                tree.set(to, account);
            }
            slots.push(SlotAssignment {
                body: raw.body,
                is_transfer: is(1),
                is_withdrawal: is(2) && !raw.forced,
                is_exit: leaves,
                is_deposit: is(3),
                is_target: is(4),
                sender,
                sender_is_absent: absent,
                recipient,
                creates_recipient: creates,
                challenge: signatures.get(&number).map_or(0, Signature::challenge),
                response: signatures.get(&number).map_or([0; 4], Signature::response),
            });
        }
        let known = tree.account(self.fee_recipient);
        let credited = self.credit.unwrap_or(known.is_some());
        let mut account =
            known.unwrap_or(LooseAccount { key: (Fr::ZERO, Fr::ZERO), balance: Fr::ZERO, nonce: Fr::ZERO });
        let fee_recipient = tree.assign(self.fee_recipient, &account);
        let total = fernet_ledger::field::to_bytes(&fees);
        let total = total[24..].iter().fold(0u64, |total, byte| total << 8 | u64::from(*byte));
        let burned = self.burned.unwrap_or_else(|| self.fee_burn.share_down(total).into());
        if credited {
            account.balance += fees - burned;
            tree.set(self.fee_recipient, account);
        }
        let rules = self.rules();
        let challenge = Fr::from(0xfeed_5eed_u64);
        let payee = Address::repeat_byte(0x77);
        let context = statement::ChunkContext {
            domain: domain(),
            recipients: rules.recipients(payee),
            root_before,
            root_after: tree.root(),
        };
        ChunkAssignment {
            inputs: ChunkInputs {
                challenge,
                share: statement::share(&rules.layout, challenge, &self.elements()),
                commitment: statement::commitment(&context, &self.elements()),
                binding: statement::binding(&context, challenge, &self.queue),
            },
            root_before,
            root_after: tree.root(),
            domain: domain().element(),
            payee: field::from_address(payee),
            fee_index: Fr::from(self.fee_recipient),
            fee_burn: Fr::from(self.fee_burn.bps()),
            fee_recipient,
            fees_are_credited: credited,
            slots,
        }
    }

    /// The root after the chunk if all constraints are satisfied, else the first violated row.
    pub fn circuit(&self) -> Result<Fr, usize> {
        satisfied(&self.assignment())
    }

    /// Asserts that ledger and circuit agree, and returns whether they accept.
    #[track_caller]
    pub fn verdict(&self) -> bool {
        match (self.native(), self.circuit()) {
            (Ok(block), Ok(root)) => {
                assert_eq!(block.state_root(), root, "{self:?}");
                true
            }
            (Err(_), Err(_)) => false,
            (native, circuit) => panic!("ledger: {native:?}, circuit: {circuit:?}, for {self:?}"),
        }
    }
}

/// The root after the chunk if the assignment satisfies the circuit, else the first violated row.
pub fn satisfied(assignment: &ChunkAssignment) -> Result<Fr, usize> {
    let mut system = System::evaluating();
    synthesize(&mut system, &PARAMS, assignment).unwrap();
    system.violated().map_or(Ok(assignment.root_after), Err)
}

/// Accounts with arbitrary nonces, also those that operations would reach only after a long time.
#[derive(Debug, Clone)]
pub struct TestStore {
    tree: LooseTree,
    accounts: HashMap<AccountIndex, Account>,
}

impl TestStore {
    fn new(accounts: &[(Deposit, u32)]) -> Self {
        let known = accounts.iter().map(|(deposit, nonce)| {
            (deposit.to, Account { key: deposit.key, balance: deposit.amount, nonce: *nonce })
        });
        Self { tree: LooseTree::new(accounts), accounts: known.collect() }
    }
}

impl Store for TestStore {
    fn account(&self, index: AccountIndex) -> Option<Account> {
        self.accounts.get(&index).copied()
    }

    fn node(&self, position: tree::NodePosition) -> Option<Fr> {
        let level = &self.tree.levels()[usize::from(position.level)];
        level.get(position.index as usize).copied()
    }
}

/// A small dense tree whose leaves are arbitrary field elements.
#[derive(Debug, Clone)]
struct LooseTree {
    accounts: HashMap<u32, LooseAccount>,
    leaves: Vec<Fr>,
}

impl LooseTree {
    fn new(accounts: &[(Deposit, u32)]) -> Self {
        let mut tree = Self { accounts: HashMap::new(), leaves: vec![Fr::ZERO; LEAVES as usize] };
        for (deposit, nonce) in accounts {
            let key = (deposit.key.x(), deposit.key.y());
            let account = LooseAccount { key, balance: deposit.amount.into(), nonce: (*nonce).into() };
            tree.set(deposit.to.get(), account);
        }
        tree
    }

    fn account(&self, index: u32) -> Option<LooseAccount> {
        self.accounts.get(&(index % LEAVES)).copied()
    }

    fn set(&mut self, index: u32, account: LooseAccount) {
        let inputs = [account.key.0, account.key.1, account.balance, account.nonce];
        self.leaves[(index % LEAVES) as usize] = poseidon::hash(Fr::from(poseidon::LEAF_TAG), inputs);
        self.accounts.insert(index % LEAVES, account);
    }

    fn levels(&self) -> [Vec<Fr>; 3] {
        let above = |below: &[Fr]| -> Vec<Fr> {
            below.chunks(4).map(|children| poseidon::node(children.try_into().unwrap())).collect()
        };
        let middle = above(&self.leaves);
        let root = above(&middle);
        [self.leaves.clone(), middle, root]
    }

    fn root(&self) -> Fr {
        self.levels()[2][0]
    }

    fn assign(&self, index: u32, account: &LooseAccount) -> AccountAssignment {
        let index = (index % LEAVES) as usize;
        let levels = self.levels();
        let siblings = [(0, index), (1, index / 4)].map(|(level, place)| {
            let family = &levels[level][place / 4 * 4..place / 4 * 4 + 4];
            let others: Vec<Fr> =
                family.iter().enumerate().filter(|(i, _)| *i != place % 4).map(|(_, node)| *node).collect();
            others.try_into().unwrap()
        });
        AccountAssignment {
            key: account.key,
            balance: account.balance,
            nonce: account.nonce,
            siblings: siblings.to_vec(),
        }
    }
}
