//! The circuit: the operations of a chunk transform one state root into the next, and are the data in the
//! blob.
//!
//! All slots have the same constraints. Exactly one flag per slot is set, which is its kind. What a kind
//! doesn't use is either disabled by the flag (root checks, signature) or constrained to zero (fields of the
//! data element).
//!
//! Why these constraints are sufficient, besides the explanations of each part:
//! - The hash of key, balance and nonce is opened as a leaf under the root, so they are the account's.
//!   Balances in the tree are below 2^64 and nonces below 2^32, because each update checks what it writes and
//!   the tree starts empty.
//! - Keys in the tree are on the curve, because L1 checks the key of a deposit. So the addition law is
//!   complete for them.
//! - An empty leaf is zero, which isn't the hash of any account. So the prover can't choose whether an
//!   account exists.
//! - Domain, recipients and roots aren't public inputs. The commitment absorbs them before the challenge
//!   exists, and they are the first coefficients of the polynomial whose value at the challenge is the
//!   binding. L1 evaluates the same polynomial with its own values, so they are equal to L1's. The
//!   coefficients after them are the operations of L1, in the order of the data.
//! - The coefficients of an operation are fixed before the challenge, too: index, amount and target are in
//!   the data, and a key is in the leaf of its index. The first coefficient is below 2^96 for a deposit and
//!   not for an exit.
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

/// Bits of an account index and of a fee.
const INDEX_BITS: usize = 32;
/// Bits of a balance and of an amount.
const BALANCE_BITS: usize = 64;
/// Bits of a nonce.
const NONCE_BITS: usize = 32;
/// Bits of a data element below the kind, and bits of an L1 address.
const BODY_BITS: usize = operation::BODY_BITS as usize;
/// Bits of a signature's challenge.
const CHALLENGE_BITS: usize = 128;
/// Bits of a share in basis points and of a remainder modulo [`WHOLE_BPS`].
const SHARE_BITS: usize = 14;
/// Basis points of the whole.
const WHOLE_BPS: u64 = Bps::WHOLE.get() as u64;
/// Bits of a chunk's fees: the sum of at most 4,096 fees of 32 bits.
const FEES_BITS: usize = 44;
/// Position of the burned share in the element of the recipients.
const FEE_BURN_SHIFT: u64 = (BODY_BITS + INDEX_BITS) as u64;

/// Why a chunk can't be synthesized.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SynthesisError {
    /// The parameters are impossible.
    #[error(transparent)]
    Params(#[from] ParamsError),
    /// The assignment doesn't have the shape of the circuit.
    #[error(transparent)]
    Assignment(#[from] AssignmentError),
}

/// The fields and flags of one slot.
struct Fields {
    /// Bits of the body, least significant first.
    bits: Vec<Num>,
    body: Num,
    to: Num,
    amount: Num,
    fee: Num,
    is_withdrawal: Num,
    is_exit: Num,
    is_deposit: Num,
    is_target: Num,
    /// Transfer or withdrawal: signed by the sender.
    signs: Num,
    /// Transfer, withdrawal or exit: debits the sender.
    pays: Num,
    /// Transfer or deposit: credits the recipient.
    receives: Num,
    /// Withdrawal or exit: pays to L1, so a target follows.
    has_target: Num,
    /// The whole data element.
    element: Num,
}

/// An account's variables.
struct AccountNums {
    key: Point,
    balance: Num,
    nonce: Num,
}

/// Values that are the same for all slots.
struct Shared {
    domain: Num,
    challenge: Num,
    levels: usize,
}

/// Values that change from slot to slot.
struct Running {
    root: Num,
    fees: Num,
    /// Value so far of the polynomial of the binding.
    binding: Num,
}

/// The element of the recipients and its parts.
struct Recipients {
    packed: Num,
    /// Bits of the fee recipient's index, least significant first.
    fee_index: Vec<Num>,
    /// Burned share of the fees in basis points.
    fee_burn: Num,
}

/// Synthesizes the circuit of a chunk: adds its variables and constraints to the system.
///
/// # Errors
/// Fails if the parameters are impossible or the assignment doesn't have their shape. It doesn't fail for an
/// assignment that violates a constraint, see [`System::violated`].
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
    constrain_targets(system, &slots);

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
    constrain_share(system, &layout, &elements, &challenge, &share);
    Ok(())
}

/// The recipients: 160 bits of payee, 32 bits of fee recipient, and above them a share of at most
/// [`WHOLE_BPS`].
fn recipients(system: &mut System, chunk: &ChunkAssignment) -> Recipients {
    let payee_bits = bits::bits(system, &chunk.payee, BODY_BITS);
    let fee_index = bits::bits(system, &chunk.fee_index, INDEX_BITS);
    let payee = bits::pack(system, &payee_bits);
    let index = bits::pack(system, &fee_index);
    let fee_burn = system.witness(chunk.fee_burn);
    at_most(system, &fee_burn, WHOLE_BPS);
    let low = &payee + &index.scale(power_of_two(BODY_BITS as u64));
    let packed = &low + &fee_burn.scale(power_of_two(FEE_BURN_SHIFT));
    Recipients { packed, fee_index, fee_burn }
}

/// Constrains `num` to integers from 0 to `limit`, which is below 2^14: `num` and `limit − num` have 14 bits
/// each. 30 constraints.
fn at_most(system: &mut System, num: &Num, limit: u64) {
    bits::decompose(system, num, SHARE_BITS);
    let rest = &system.constant(Fr::from(limit)) - num;
    bits::decompose(system, &rest, SHARE_BITS);
}

/// Allocates the fields and flags of a slot, and constrains their combinations.
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
    let has_target = &is_withdrawal + &is_exit;
    // Exactly one kind: at most one of the five flags is set, and a slot without a flag is padding.
    let is_padding = &(&(&system.one() - &pays) - &is_deposit) - &is_target;
    bits::boolean(system, &is_padding);

    // Fields that a kind doesn't use are zero. A sum of numbers of 32 bits is zero only if each of them is.
    system.zero_if(&is_padding, &body);
    // `to` is 0 in a withdrawal and 1 in an exit.
    system.zero_if(&has_target, &(&to - &is_exit));
    system.zero_if(&is_exit, &fee);
    system.zero_if(&is_deposit, &(&from + &fee));
    nonzero_if(system, &is_deposit, &to);
    nonzero_if(system, &is_target, &body);

    let kinds = [
        (&is_transfer, kind::TRANSFER),
        (&has_target, kind::WITHDRAWAL),
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
        has_target,
        element,
    }
}

/// Constrains `num` to be nonzero if `flag` is one: `flag / num` exists. 1 constraint.
fn nonzero_if(system: &mut System, flag: &Num, num: &Num) {
    let inverse = system.witness(flag.value * num.value.inverse().unwrap_or(Fr::ZERO));
    system.enforce(num, &inverse, flag);
}

/// The slot after each withdrawal and each exit, and no other slot, is a target in the same chunk.
fn constrain_targets(system: &mut System, slots: &[Fields]) {
    let zero = system.zero();
    let before = std::iter::once(&zero).chain(slots.iter().map(|fields| &fields.has_target));
    let here = slots.iter().map(|fields| &fields.is_target).chain(std::iter::once(&zero));
    for (has_target, is_target) in before.zip(here) {
        system.equal(has_target, is_target);
    }
}

fn account(system: &mut System, assignment: &AccountAssignment) -> AccountNums {
    let key = Point { x: system.witness(assignment.key.0), y: system.witness(assignment.key.1) };
    AccountNums { key, balance: system.witness(assignment.balance), nonce: system.witness(assignment.nonce) }
}

/// The leaf of an account with the given balance and nonce.
fn leaf(system: &mut System, account: &AccountNums, balance: &Num, nonce: &Num) -> Num {
    system.enter("leaf hashes");
    poseidon::leaf(system, (&account.key.x, &account.key.y), balance, nonce)
}

/// One slot: debits the sender, credits the recipient, and updates the fees and the binding.
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
    // An exit debits the whole balance. Only an exit can have a sender that doesn't exist, and its amount is
    // 0 then.
    system.zero_if(&fields.is_exit, &balance);
    let absent = bits::bit(system, assignment.sender_is_absent);
    let is_no_exit = &system.one() - &fields.is_exit;
    system.zero_if(&absent, &is_no_exit);
    system.zero_if(&absent, amount);
    signature(system, shared, assignment, fields, &sender, target);
    let exists = &system.one() - &absent;
    let old = leaf(system, &sender, &sender.balance, &sender.nonce);
    let old = system.multiply(&exists, &old);
    let new = leaf(system, &sender, &balance, &nonce);
    let new = system.multiply(&exists, &new);
    let path = Path { index, siblings: &assignment.sender.siblings, levels: shared.levels };
    running.root = update_root(system, &running.root, &fields.pays, &path, &old, &new);
    running.fees = &running.fees + &fee;

    system.enter("accounts");
    let recipient = account(system, &assignment.recipient);
    let creates = bits::bit(system, assignment.creates_recipient);
    // Only a deposit creates an account, whose balance and nonce are 0 before it.
    let is_no_deposit = &system.one() - &fields.is_deposit;
    system.zero_if(&creates, &is_no_deposit);
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
    running.root = update_root(system, &running.root, &fields.receives, &path, &old, &new);

    system.enter("queue");
    // In a deposit, `from` is 0. In an exit, `to` is 1 and the credit is 0.
    let from = bits::pack(system, &fields.bits[..INDEX_BITS]);
    let exit_bit = fields.is_exit.scale(power_of_two(L1Operation::EXIT_BIT.into()) - Fr::ONE);
    let head =
        &(&(&from + &fields.to) + &credit.scale(power_of_two(L1Operation::AMOUNT_SHIFT.into()))) + &exit_bit;
    let zero = system.zero();
    let target = target.unwrap_or(&zero);
    let x = &recipient.key.x + &system.multiply(&fields.is_exit, &(target - &recipient.key.x));
    let y = &recipient.key.y - &system.multiply(&fields.is_exit, &recipient.key.y);
    let value = polynomial(system, &shared.challenge, &[running.binding.clone(), head, x, y]);
    let queued = &fields.is_exit + &fields.is_deposit;
    let change = system.multiply(&queued, &(&value - &running.binding));
    running.binding = &running.binding + &change;
}

/// The value at `z` of the polynomial with these coefficients, highest first. 1 constraint per coefficient
/// but the first.
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

/// A Merkle path.
struct Path<'a> {
    /// 32 bits of the index, least significant first.
    index: &'a [Num],
    siblings: &'a [[Fr; 3]],
    levels: usize,
}

/// The root after the leaf changes from `old` to `new` if `active` is one, else the unchanged root.
fn update_root(system: &mut System, root: &Num, active: &Num, path: &Path<'_>, old: &Num, new: &Num) -> Num {
    let (low, high) = path.index.split_at(2 * path.levels);
    let roots = merkle::update(system, low, path.siblings, old, new);
    system.enter("roots");
    if !high.is_empty() {
        // A tree with fewer levels has no leaf with a higher index.
        let above = bits::pack(system, high);
        system.zero_if(active, &above);
    }
    system.zero_if(active, &(&roots.before - root));
    let change = system.multiply(active, &(&roots.after - root));
    root + &change
}

/// Constrains the signature of a signed slot to be valid under the sender's key: `R = s·G − e·pk` hashes to
/// `e`.
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
    let response_point = edwards::multiply_generator(system, &response);
    let key_point = edwards::multiply(system, &edwards::negate(&sender.key), &challenge);
    let point = edwards::add(system, &response_point, &key_point);

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

/// Credits the chunk's fees, less the burned share, to the fee recipient if its leaf isn't empty.
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
    running.root = update_root(system, &running.root, &always, &path, &old, &new);
}

/// `share` basis points of `fees`, rounded down: the quotient of a division with a remainder below the
/// divisor. Both sides of the equation are below the field's order, so quotient and remainder are unique.
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

/// Constrains the share: `y = (z^4096 − 1)/4096 · Σ d_j·μ_j/(z − μ_j)`. A quotient is unconstrained if z is
/// one of the points, which has a negligible probability because z is a digest.
fn constrain_share(system: &mut System, layout: &Layout, elements: &[Num], z: &Num, share: &Num) {
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
