//! The circuit: a chunk of operations takes one state root to the next, and is what the blob holds.
//!
//! All slots have the same constraints. Flags say which kind a slot is, exactly one; what a kind doesn't use is either
//! switched off by its flag (root checks, signature) or forced to zero (fields of the data element).
//!
//! Why the parts suffice, beside what each says itself:
//! - A leaf is opened by hashing to it under a root, so key, balance and nonce are the account's. Balances in the tree
//!   are below 2^64 and nonces below 2^32, because each update checks what it writes and the tree starts empty.
//! - Keys in the tree are on the curve, because L1 checks a deposit's key; so the addition law is complete there.
//! - An empty leaf is zero, which no account hashes to. So whether an account exists isn't up to the prover.
//! - Domain, recipients and roots aren't public inputs: the commitment absorbs them before the challenge exists, and the
//!   binding is a polynomial at the challenge whose first coefficients they are. L1 computes the same polynomial from
//!   what it knows, so they are L1's. The entries of L1's queue are the coefficients after them.
//! - An entry's coefficients are fixed before the challenge as well: index, amount and target are in the data, a key is
//!   in the leaf of its index. A deposit's first coefficient is below 2^96 and an exit's isn't.
#![allow(clippy::indexing_slicing)] // constant ranges of vectors whose length is a constant

use ark_ff::{AdditiveGroup, Field, PrimeField};
use fernet_ledger::{
    Fr,
    field::power_of_two,
    layout::{BLOB_ELEMENTS, Layout},
    operation::{self, ELEMENT_BITS, kind},
};
use fernet_protocol::{Bps, L1Operation};

use crate::{
    assignment::{AccountAssignment, AssignmentError, ChunkAssignment, SlotAssignment},
    gadgets::edwards::{self, Point},
    gadgets::poseidon::{self, Capacity},
    gadgets::{bits, merkle},
    params::{CircuitParams, ParamsError},
    system::{Num, System},
};

/// Bits of an index, and of a fee.
const INDEX_BITS: usize = 32;
/// Bits of a balance, and of an amount.
const BALANCE_BITS: usize = 64;
/// Bits of a nonce.
const NONCE_BITS: usize = 32;
/// Bits of a data element below the kind, and of an L1 address.
const BODY_BITS: usize = operation::BODY_BITS as usize;
/// Bits of a signature's challenge.
const CHALLENGE_BITS: usize = 128;
/// Bits of a share in basis points, and of a remainder of dividing by [`WHOLE_BPS`].
const SHARE_BITS: usize = 14;
/// Basis points of everything.
const WHOLE_BPS: u64 = Bps::WHOLE.get() as u64;
/// Bits of a chunk's fees: at most 4,096 of 32 bits.
const FEES_BITS: usize = 44;
/// Where the burned share starts among the recipients.
const FEE_BURN_AT: u64 = (BODY_BITS + INDEX_BITS) as u64;

/// Why a chunk can't be put into the circuit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SynthesisError {
    /// The size is impossible.
    #[error(transparent)]
    Params(#[from] ParamsError),
    /// The values don't fit the size.
    #[error(transparent)]
    Assignment(#[from] AssignmentError),
}

/// What one slot's data element says.
struct Fields {
    /// Bits of the body, lowest first.
    bits: Vec<Num>,
    body: Num,
    to: Num,
    amount: Num,
    fee: Num,
    is_withdrawal: Num,
    is_exit: Num,
    is_deposit: Num,
    is_target: Num,
    /// Transfer or withdrawal: by the sender's signature.
    signs: Num,
    /// Transfer, withdrawal or exit: out of the sender's balance.
    pays: Num,
    /// Transfer or deposit.
    receives: Num,
    /// Withdrawal or exit: has a target.
    leaves: Num,
    /// The whole element.
    element: Num,
}

/// An account's variables.
struct AccountNums {
    key: Point,
    balance: Num,
    nonce: Num,
}

/// Values of the block that every slot needs.
struct Shared {
    domain: Num,
    challenge: Num,
    levels: usize,
}

/// What changes from slot to slot.
struct Running {
    root: Num,
    fees: Num,
    /// The binding's value so far.
    binding: Num,
}

/// What the recipients consist of.
struct Recipients {
    packed: Num,
    /// Bits of the fee recipient's index, lowest first.
    fee_index: Vec<Num>,
    /// Basis points of the fees that are burned.
    fee_burn: Num,
}

/// Puts a chunk into the system.
///
/// # Errors
/// When the size is impossible or the values are of another size. Whether the values satisfy the constraints is for
/// [`System::violated`] to say.
pub fn synthesize(
    system: &mut System,
    params: &CircuitParams,
    chunk: &ChunkAssignment,
) -> Result<(), SynthesisError> {
    let layout = params.layout(1)?;
    let levels = usize::from(params.levels()?.get());
    chunk.check_shape(levels, params.operations)?;

    system.enter("inputs");
    let [challenge, share, commitment, binding] = chunk.inputs.to_array().map(|value| system.input(value));
    let domain = system.witness(chunk.domain);
    let recipients = recipients(system, chunk);
    let before = system.witness(chunk.root_before);
    let after = system.witness(chunk.root_after);
    let context = [domain.clone(), recipients.packed.clone(), before.clone(), after.clone()];
    let slots: Vec<Fields> = chunk.slots.iter().map(|slot| fields(system, slot)).collect();
    targets_follow_withdrawals(system, &slots);

    let shared = Shared { domain, challenge: challenge.clone(), levels };
    let start = polynomial(system, &challenge, &context);
    let mut running = Running { root: before, fees: system.zero(), binding: start };
    for (number, assignment) in chunk.slots.iter().enumerate() {
        let target = slots.get(number + 1).map(|next| &next.body);
        if let Some(fields) = slots.get(number) {
            slot(system, &shared, assignment, fields, target, &mut running);
        }
    }
    credit_fees(system, chunk, &recipients, levels, &mut running);

    system.enter("inputs");
    system.equal(&running.root, &after);
    system.equal(&running.binding, &binding);
    system.enter("commitment");
    let elements: Vec<Num> = slots.into_iter().map(|fields| fields.element).collect();
    let absorbed: Vec<Num> = context.into_iter().chain(elements.iter().cloned()).collect();
    let computed = poseidon::sponge(system, &absorbed);
    system.equal(&computed, &commitment);
    system.enter("blob share");
    bind_share(system, &layout, &elements, &challenge, &share);
    Ok(())
}

/// The recipients: 160 bits of payee, 32 bits of fee recipient, and above them a share of at most all basis points.
fn recipients(system: &mut System, chunk: &ChunkAssignment) -> Recipients {
    let payee_bits = bits::bits(system, &chunk.payee, BODY_BITS);
    let fee_index = bits::bits(system, &chunk.fee_index, INDEX_BITS);
    let payee = bits::pack(system, &payee_bits);
    let index = bits::pack(system, &fee_index);
    let fee_burn = system.witness(chunk.fee_burn);
    at_most(system, &fee_burn, WHOLE_BPS);
    let low = &payee + &index.scale(power_of_two(BODY_BITS as u64));
    let packed = &low + &fee_burn.scale(power_of_two(FEE_BURN_AT));
    Recipients { packed, fee_index, fee_burn }
}

/// `num` is an integer of at most `limit`, which is below 2^14: both it and what is left have 14 bits. 30 constraints.
fn at_most(system: &mut System, num: &Num, limit: u64) {
    bits::decompose(system, num, SHARE_BITS);
    let rest = &system.constant(Fr::from(limit)) - num;
    bits::decompose(system, &rest, SHARE_BITS);
}

/// The fields and flags of a slot, and what they may be together.
fn fields(system: &mut System, slot: &SlotAssignment) -> Fields {
    system.enter("fields");
    let bits = bits::bits(system, &slot.body, BODY_BITS);
    let part = |system: &System, start: usize, count: usize| bits::pack(system, &bits[start..start + count]);
    let (from, to) = (part(system, 0, INDEX_BITS), part(system, INDEX_BITS, INDEX_BITS));
    let amount = part(system, 2 * INDEX_BITS, BALANCE_BITS);
    let fee = part(system, 2 * INDEX_BITS + BALANCE_BITS, INDEX_BITS);
    let body = part(system, 0, BODY_BITS);

    let is_transfer = bits::bit(system, slot.is_transfer);
    let is_withdrawal = bits::bit(system, slot.is_withdrawal);
    let is_exit = bits::bit(system, slot.is_exit);
    let is_deposit = bits::bit(system, slot.is_deposit);
    let is_target = bits::bit(system, slot.is_target);
    let signs = &is_transfer + &is_withdrawal;
    let pays = &signs + &is_exit;
    let receives = &is_transfer + &is_deposit;
    let leaves = &is_withdrawal + &is_exit;
    // Exactly one kind: five flags, of which at most one is set, and padding is their absence.
    let is_padding = &(&(&system.one() - &pays) - &is_deposit) - &is_target;
    bits::boolean(system, &is_padding);

    // Fields that a kind leaves empty. Sums of numbers of 32 bits vanish only if each does.
    system.zero_if(&is_padding, &body);
    // What leaves has no recipient; in its place an exit says that it was forced.
    system.zero_if(&leaves, &(&to - &is_exit));
    system.zero_if(&is_exit, &fee);
    system.zero_if(&is_deposit, &(&from + &fee));
    // Where the flag is set, the number has an inverse.
    nonzero_if(system, &is_deposit, &to);
    nonzero_if(system, &is_target, &body);

    let kinds = [
        (&is_transfer, kind::TRANSFER),
        (&leaves, kind::WITHDRAWAL),
        (&is_deposit, kind::DEPOSIT),
        (&is_target, kind::TARGET),
    ];
    let mut element = body.clone();
    for (flag, number) in kinds {
        element.add_scaled(flag, Fr::from(number) * power_of_two(BODY_BITS as u64));
    }
    Fields {
        bits,
        body,
        to,
        amount,
        fee,
        is_withdrawal,
        is_exit,
        is_deposit,
        is_target,
        signs,
        pays,
        receives,
        leaves,
        element,
    }
}

/// `num` isn't zero if `flag` is one: their quotient exists. 1 constraint.
fn nonzero_if(system: &mut System, flag: &Num, num: &Num) {
    let inverse = system.witness(flag.value * num.value.inverse().unwrap_or(Fr::ZERO));
    system.enforce(num, &inverse, flag);
}

/// A target comes after each withdrawal and each exit and nowhere else, within the chunk.
fn targets_follow_withdrawals(system: &mut System, slots: &[Fields]) {
    let zero = system.zero();
    let before = std::iter::once(&zero).chain(slots.iter().map(|fields| &fields.leaves));
    let here = slots.iter().map(|fields| &fields.is_target).chain(std::iter::once(&zero));
    for (leaves, target) in before.zip(here) {
        system.equal(leaves, target);
    }
}

fn account(system: &mut System, assignment: &AccountAssignment) -> AccountNums {
    let key = Point { x: system.witness(assignment.key.0), y: system.witness(assignment.key.1) };
    AccountNums { key, balance: system.witness(assignment.balance), nonce: system.witness(assignment.nonce) }
}

/// An account's leaf with another balance and nonce.
fn leaf(system: &mut System, account: &AccountNums, balance: &Num, nonce: &Num) -> Num {
    system.enter("leaf hashes");
    poseidon::leaf(system, (&account.key.x, &account.key.y), balance, nonce)
}

/// One slot: the payer is debited, the recipient credited, fees and L1's operations add up.
fn slot(
    system: &mut System,
    shared: &Shared,
    assignment: &SlotAssignment,
    fields: &Fields,
    target: Option<&Num>,
    running: &mut Running,
) {
    let (index, amount) = (&fields.bits[..INDEX_BITS], &fields.amount);

    system.enter("accounts");
    let sender = account(system, &assignment.sender);
    let fee = system.multiply(&fields.pays, &fields.fee);
    let debit = system.multiply(&fields.pays, amount);
    let balance = &(&sender.balance - &debit) - &fee;
    bits::decompose(system, &balance, BALANCE_BITS);
    let nonce = &sender.nonce + &fields.signs;
    bits::decompose(system, &nonce, NONCE_BITS);
    // An exit takes everything. From an account that doesn't exist that is nothing, and nothing else has such a payer.
    system.zero_if(&fields.is_exit, &balance);
    let absent = bits::bit(system, assignment.absent);
    let debited_otherwise = &system.one() - &fields.is_exit;
    system.zero_if(&absent, &debited_otherwise);
    system.zero_if(&absent, amount);
    signature(system, shared, assignment, fields, &sender, target);
    let exists = &system.one() - &absent;
    let old = leaf(system, &sender, &sender.balance, &sender.nonce);
    let old = system.multiply(&exists, &old);
    let new = leaf(system, &sender, &balance, &nonce);
    let new = system.multiply(&exists, &new);
    let path = Path { index, siblings: &assignment.sender.siblings, levels: shared.levels };
    running.root = step(system, &running.root, &fields.pays, &path, &old, &new);
    running.fees = &running.fees + &fee;

    system.enter("accounts");
    let recipient = account(system, &assignment.recipient);
    let creates = bits::bit(system, assignment.creates);
    // Only a deposit creates an account, which starts with nothing.
    let created_otherwise = &system.one() - &fields.is_deposit;
    system.zero_if(&creates, &created_otherwise);
    system.zero_if(&creates, &recipient.balance);
    system.zero_if(&creates, &recipient.nonce);
    let credit = system.multiply(&fields.receives, amount);
    let balance = &recipient.balance + &credit;
    bits::decompose(system, &balance, BALANCE_BITS);
    let old = leaf(system, &recipient, &recipient.balance, &recipient.nonce);
    let old = system.multiply(&(&system.one() - &creates), &old);
    let new = leaf(system, &recipient, &balance, &recipient.nonce);
    let index = &fields.bits[INDEX_BITS..2 * INDEX_BITS];
    let path = Path { index, siblings: &assignment.recipient.siblings, levels: shared.levels };
    running.root = step(system, &running.root, &fields.receives, &path, &old, &new);

    system.enter("queue");
    // `from` is zero in a deposit, `to` one in an exit, and what is credited zero in an exit.
    let from = bits::pack(system, &fields.bits[..INDEX_BITS]);
    let mark = fields.is_exit.scale(power_of_two(L1Operation::EXIT_BIT.into()) - Fr::ONE);
    let head =
        &(&(&from + &fields.to) + &credit.scale(power_of_two(L1Operation::AMOUNT_SHIFT.into()))) + &mark;
    let zero = system.zero();
    let target = target.unwrap_or(&zero);
    let x = &recipient.key.x + &system.multiply(&fields.is_exit, &(target - &recipient.key.x));
    let y = &recipient.key.y - &system.multiply(&fields.is_exit, &recipient.key.y);
    let value = polynomial(system, &shared.challenge, &[running.binding.clone(), head, x, y]);
    let queued = &fields.is_exit + &fields.is_deposit;
    let gained = system.multiply(&queued, &(&value - &running.binding));
    running.binding = &running.binding + &gained;
}

/// The polynomial with these coefficients, from the highest, at `z`. One constraint for each but the first.
fn polynomial(system: &mut System, z: &Num, coefficients: &[Num]) -> Num {
    let mut value = system.zero();
    for (number, coefficient) in coefficients.iter().enumerate() {
        if number > 0 {
            value = system.multiply(&value, z);
        }
        value = &value + coefficient;
    }
    value
}

/// Where a leaf is.
struct Path<'a> {
    /// 32 bits of the index, lowest first.
    index: &'a [Num],
    siblings: &'a [[Fr; 3]],
    levels: usize,
}

/// If `active`, the leaf goes from `old` to `new` and the root with it; otherwise the root stays.
fn step(system: &mut System, root: &Num, active: &Num, path: &Path<'_>, old: &Num, new: &Num) -> Num {
    let (low, high) = path.index.split_at(2 * path.levels);
    let roots = merkle::update(system, low, path.siblings, old, new);
    system.enter("roots");
    if !high.is_empty() {
        // A smaller tree has no leaf at a higher index.
        let above = bits::pack(system, high);
        system.zero_if(active, &above);
    }
    system.zero_if(active, &(&roots.before - root));
    let change = system.multiply(active, &(&roots.after - root));
    root + &change
}

/// If the slot is signed, the sender's key signed it: `R = s·G − e·pk` hashes to `e`.
fn signature(
    system: &mut System,
    shared: &Shared,
    assignment: &SlotAssignment,
    fields: &Fields,
    sender: &AccountNums,
    target: Option<&Num>,
) {
    system.enter("signature points");
    let response: Vec<Num> = (0..edwards::SCALAR_BITS)
        .map(|place| bits::bit(system, assignment.response[place / 64] >> (place % 64) & 1 == 1))
        .collect();
    let challenge: Vec<Num> =
        (0..CHALLENGE_BITS).map(|place| bits::bit(system, assignment.challenge >> place & 1 == 1)).collect();
    let committed = edwards::multiply_generator(system, &response);
    let owed = edwards::multiply(system, &edwards::negate(&sender.key), &challenge);
    let point = edwards::add(system, &committed, &owed);

    system.enter("signature hash");
    let message = &fields.element + &sender.nonce.scale(power_of_two(ELEMENT_BITS.into()));
    let address = match target {
        Some(target) => system.multiply(&fields.is_withdrawal, target),
        None => system.zero(),
    };
    let inputs = [point.x, point.y, message, address];
    let hash = poseidon::hash(system, Capacity::Variable(shared.domain.clone()), &inputs);
    let hash_bits = bits::canonical_bits(system, &hash);
    let expected = bits::pack(system, &hash_bits[..CHALLENGE_BITS]);
    let actual = bits::pack(system, &challenge);
    system.zero_if(&fields.signs, &(&expected - &actual));
}

/// The chunk's fees, less the burned share, go to the recipient's account if its leaf isn't empty.
fn credit_fees(
    system: &mut System,
    chunk: &ChunkAssignment,
    recipients: &Recipients,
    levels: usize,
    running: &mut Running,
) {
    system.enter("fees");
    let burned = burned(system, &running.fees, &recipients.fee_burn);
    let kept = &running.fees - &burned;
    let recipient = account(system, &chunk.fee_recipient);
    let exists = bits::bit(system, chunk.fees_are_credited);
    let credit = system.multiply(&exists, &kept);
    let balance = &recipient.balance + &credit;
    bits::decompose(system, &balance, BALANCE_BITS);
    let old = leaf(system, &recipient, &recipient.balance, &recipient.nonce);
    let old = system.multiply(&exists, &old);
    let new = leaf(system, &recipient, &balance, &recipient.nonce);
    let new = system.multiply(&exists, &new);
    let path = Path { index: &recipients.fee_index, siblings: &chunk.fee_recipient.siblings, levels };
    let always = system.one();
    running.root = step(system, &running.root, &always, &path, &old, &new);
}

/// `share` basis points of `fees`, rounded down: the quotient and a remainder below the divisor. Neither side of the
/// equation reaches the field's order, so the integers are the only ones.
fn burned(system: &mut System, fees: &Num, share: &Num) -> Num {
    let product = system.multiply(fees, share);
    let [low, high, ..] = product.value.into_bigint().0;
    let (dividend, divisor) = (u128::from(high) << 64 | u128::from(low), u128::from(WHOLE_BPS));
    let burned = system.witness(Fr::from(dividend / divisor));
    let remainder = system.witness(Fr::from(dividend % divisor));
    bits::decompose(system, &burned, FEES_BITS);
    at_most(system, &remainder, WHOLE_BPS - 1);
    let sum = &burned.scale(Fr::from(WHOLE_BPS)) + &remainder;
    system.equal(&sum, &product);
    burned
}

/// `y = (z^4096 − 1)/4096 · Σ d_j·μ_j/(z − μ_j)`. Were z one of the points, a quotient would be unbound; it is a
/// digest, so it isn't.
fn bind_share(system: &mut System, layout: &Layout, elements: &[Num], z: &Num, share: &Num) {
    let mut sum = system.zero();
    for (element, point) in elements.iter().zip(layout.points()) {
        let denominator = z - &system.constant(point);
        let quotient = system.divide(&element.scale(point), &denominator);
        sum = &sum + &quotient;
    }
    let mut power = z.clone();
    for _ in 0..BLOB_ELEMENTS.trailing_zeros() {
        power = system.multiply(&power, &power);
    }
    let count = Fr::from(BLOB_ELEMENTS as u64).inverse().unwrap_or(Fr::ZERO);
    let vanishing = (&power - &system.one()).scale(count);
    system.enforce(&vanishing, &sum, share);
}
