//! For each rule a chunk in which only that rule is broken: neither the ledger nor the circuit accepts it.
#![allow(missing_docs)]

mod common;
use common::*;
use fernet_circuit::assignment::ChunkAssignment;
use fernet_ledger::*;

#[track_caller]
fn accepted(attempt: Attempt) {
    assert!(attempt.verdict(), "refused by {:?}", attempt.native());
}

#[track_caller]
fn refused(attempt: Attempt) {
    assert!(!attempt.verdict());
}

#[test]
fn valid_chunks_are_accepted() {
    accepted(Attempt::new([]));
    accepted(Attempt::new([transfer(1, 2, 10, 1)]));
    accepted(Attempt::new([transfer(1, 1, 10, 1)]));
    accepted(Attempt::new([transfer(1, 2, 0, 0)]));
    accepted(Attempt::new([transfer(1, 2, 1_000, 0), transfer(2, 1, 2_000, 0), transfer(1, 3, 1_990, 10)]));
    accepted(Attempt::new([withdrawal(1, 10, 1), target(), withdrawal(2, 10, 1), target()]));
    accepted(Attempt::new([paid(4, 5), paid(4, 6), paid(1, 7)]).deposits([
        deposit(4, 5),
        deposit(4, 6),
        deposit(1, 7),
    ]));
    accepted(
        Attempt::new([padding(), paid(4, 5), padding(), transfer(4, 1, 5, 0)]).deposits([deposit(4, 5)]),
    );
}

#[test]
fn fees_are_credited_or_burned() {
    accepted(Attempt::new([transfer(1, 2, 10, 5), withdrawal(2, 3, 4), target()]).fee_recipient(3));
    accepted(Attempt::new([transfer(1, 2, 10, 5)]).fee_recipient(1));
    accepted(Attempt::new([transfer(1, 2, 10, 5)]).fee_recipient(9));
    accepted(Attempt::new([transfer(1, 2, 10, 5), paid(9, 1)]).deposits([deposit(9, 1)]).fee_recipient(9));
    accepted(Attempt::new([]).fee_recipient(3));
}

#[test]
fn the_sender_must_exist() {
    refused(Attempt::new([transfer(4, 1, 10, 0)]));
    refused(Attempt::new([transfer(4, 1, 0, 0)]));
    refused(Attempt::new([transfer(0, 1, 0, 0)]));
}

#[test]
fn the_recipient_must_exist() {
    refused(Attempt::new([transfer(1, 4, 10, 0)]));
    let mut creating = transfer(1, 4, 10, 0);
    creating.creates = Some(true);
    refused(Attempt::new([creating]));
}

#[test]
fn indices_must_have_a_leaf() {
    refused(Attempt::new([Raw { signer: 1, ..transfer(1 + 16, 2, 10, 0) }]));
    refused(Attempt::new([transfer(1, 2 + 16, 10, 0)]));
    refused(Attempt::new([transfer(1, 2 + (1 << 31), 10, 0)]));
    refused(Attempt::new([paid(4 + 16, 5)]).deposits([deposit(4 + 16, 5)]));
    refused(Attempt::new([transfer(1, 2, 10, 1)]).fee_recipient(3 + 16));
}

#[test]
fn the_signature_must_be_the_senders_for_this_operation() {
    refused(Attempt::new([Raw { signer: 2, ..transfer(1, 2, 10, 0) }]));
    refused(Attempt::new([Raw { nonce: Some(1), ..transfer(1, 2, 10, 0) }]));
    refused(Attempt::new([transfer(1, 2, 10, 0), Raw { nonce: Some(0), ..transfer(1, 2, 10, 0) }]));
    let elsewhere = Domain::new(1, L1Address([0x11; 20]));
    refused(Attempt::new([Raw { domain: elsewhere, ..transfer(1, 2, 10, 0) }]));
    refused(Attempt::new([Raw { signer: 2, ..withdrawal(1, 10, 0) }, target()]));
}

#[test]
fn a_withdrawals_target_is_signed() {
    refused(Attempt::new([Raw { target: Some(Fr::from(5u64)), ..withdrawal(1, 10, 0) }, target()]));
    accepted(Attempt::new([withdrawal(1, 10, 0), target()]));
}

#[test]
fn the_balance_must_cover_amount_and_fee() {
    accepted(Attempt::new([transfer(1, 2, 999, 1)]));
    refused(Attempt::new([transfer(1, 2, 1_000, 1)]));
    refused(Attempt::new([transfer(1, 2, 1_001, 0)]));
    refused(Attempt::new([withdrawal(1, 1_001, 0), target()]));
    // Paying oneself more than one has.
    refused(Attempt::new([transfer(1, 1, 1_001, 0)]));
}

#[test]
fn balances_must_fit_64_bits() {
    let rich = [(deposit(1, u64::MAX), 0), (deposit(2, 1), 0)];
    accepted(Attempt::new([transfer(1, 2, u64::MAX - 1, 1)]).accounts(rich));
    refused(Attempt::new([transfer(2, 1, 1, 0)]).accounts(rich));
    accepted(Attempt::new([transfer(1, 1, u64::MAX, 0)]).accounts(rich));
    refused(Attempt::new([paid(1, 1)]).deposits([deposit(1, 1)]).accounts(rich));
    refused(Attempt::new([transfer(2, 2, 0, 1)]).accounts(rich).fee_recipient(1));
    accepted(
        Attempt::new([transfer(2, 2, 0, 1), withdrawal(1, 1, 0), target()]).accounts(rich).fee_recipient(1),
    );
}

#[test]
fn nonces_must_fit_32_bits() {
    accepted(Attempt::new([transfer(1, 1, 0, 0)]).accounts([(deposit(1, 5), u32::MAX - 1)]));
    refused(Attempt::new([transfer(1, 1, 0, 0)]).accounts([(deposit(1, 5), u32::MAX)]));
}

#[test]
fn deposits_are_those_of_l1() {
    let attempt = |raw, deposits: &[Deposit]| Attempt::new([raw]).deposits(deposits.iter().copied());
    refused(attempt(paid(4, 6), &[deposit(4, 5)]));
    refused(attempt(paid(5, 5), &[deposit(4, 5)]));
    refused(attempt(paid(4, 5), &[]));
    refused(attempt(padding(), &[deposit(4, 5)]));
    refused(Attempt::new([paid(5, 1), paid(4, 1)]).deposits([deposit(4, 1), deposit(5, 1)]));
    refused(attempt(paid(4, 5), &[deposit(4, 5), deposit(4, 5)]));
}

#[test]
fn a_deposit_cannot_change_or_choose_a_key() {
    // Account 1 exists with another key.
    refused(Attempt::new([paid(1, 5)]).deposits([Deposit { key: secret(9).public_key(), ..deposit(1, 5) }]));
    // The data can't tell keys apart, so the ledger takes the key from L1; the cheat takes its own.
    let mut planted = Attempt::new([paid(4, 5)]).deposits([deposit(4, 5)]);
    planted.planted = Some(secret(9).public_key());
    assert!(planted.circuit().is_err());
}

#[test]
fn an_existing_account_cannot_be_created_again() {
    let mut again = paid(1, 5);
    again.creates = Some(true);
    let attempt = Attempt::new([again]).deposits([deposit(1, 5)]);
    assert!(attempt.circuit().is_err());
    let mut absent = paid(4, 5);
    absent.creates = Some(false);
    assert!(Attempt::new([absent]).deposits([deposit(4, 5)]).circuit().is_err());
}

#[test]
fn the_reserved_account_takes_no_deposit() {
    refused(Attempt::new([paid(0, 5)]).deposits([Deposit { to: index(0), ..deposit(1, 5) }]));
}

#[test]
fn targets_follow_withdrawals_within_the_chunk() {
    refused(Attempt::new([withdrawal(1, 10, 0)]));
    refused(Attempt::new([target()]));
    refused(Attempt::new([padding(), target()]));
    refused(Attempt::new([transfer(1, 2, 1, 0), target()]));
    refused(Attempt::new([withdrawal(1, 10, 0), padding(), target()]));
    refused(Attempt::new([withdrawal(1, 10, 0), withdrawal(2, 10, 0), target()]));
    refused(Attempt::new([withdrawal(1, 10, 0), target(), target()]));
    refused(Attempt::new([padding(), padding(), padding(), withdrawal(1, 10, 0)]));
}

#[test]
fn a_target_is_no_zero_address() {
    refused(Attempt::new([withdrawal(1, 10, 0), Raw { body: Fr::from(0u64), ..target() }]));
}

#[test]
fn unused_fields_are_zero() {
    refused(Attempt::new([Raw { body: Fr::from(1u64), ..padding() }]));
    refused(Attempt::new([Raw { body: power(159), ..padding() }]));
    let with = |raw: Raw, extra: Fr| Raw { body: raw.body + extra, ..raw };
    refused(Attempt::new([with(withdrawal(1, 10, 0), power(32)), target()]));
    refused(Attempt::new([with(paid(4, 5), Fr::from(1u64))]).deposits([deposit(4, 5)]));
    refused(Attempt::new([with(paid(4, 5), power(128))]).deposits([deposit(4, 5)]));
}

#[test]
fn elements_are_160_bits_and_a_known_kind() {
    refused(Attempt::new([Raw { kind: 5, ..padding() }]));
    refused(Attempt::new([Raw { body: power(168), ..padding() }]));
    refused(Attempt::new([Raw { kind: 17, ..transfer(1, 2, 10, 0) }]));
    refused(Attempt::new([Raw { body: transfer(1, 2, 10, 0).body + power(170), ..transfer(1, 2, 10, 0) }]));
}

#[test]
fn fees_cannot_be_withheld_or_misdirected() {
    let mut withheld = Attempt::new([transfer(1, 2, 10, 5)]).fee_recipient(3);
    withheld.credit = Some(false);
    assert!(withheld.circuit().is_err());
    let mut invented = Attempt::new([transfer(1, 2, 10, 5)]).fee_recipient(9);
    invented.credit = Some(true);
    assert!(invented.circuit().is_err());
    let mut redirected = Attempt::new([transfer(1, 2, 10, 5)]).fee_recipient(3).assignment();
    redirected.inputs.recipients = statement::recipients(L1Address([0x77; 20]), index(2));
    assert!(satisfied(&redirected).is_err());
}

#[test]
fn a_slot_has_one_kind() {
    let two = |change: fn(&mut ChunkAssignment)| {
        let mut assignment = Attempt::new([transfer(1, 2, 10, 5)]).assignment();
        change(&mut assignment);
        satisfied(&assignment)
    };
    assert!(two(|_| ()).is_ok());
    assert!(two(|chunk| chunk.slots[0].is_withdrawal = true).is_err());
    assert!(two(|chunk| chunk.slots[0].is_deposit = true).is_err());
    assert!(two(|chunk| chunk.slots[0].is_transfer = false).is_err());
    assert!(two(|chunk| chunk.slots[1].is_deposit = true).is_err());
    assert!(two(|chunk| chunk.slots[1].is_transfer = true).is_err());
}

#[test]
fn every_public_input_binds() {
    let attempt =
        Attempt::new([transfer(1, 2, 10, 5), paid(4, 7)]).deposits([deposit(4, 7)]).fee_recipient(3);
    let honest = attempt.assignment();
    assert!(satisfied(&honest).is_ok());
    let one = Fr::from(1u64);
    let changes: [fn(&mut ChunkAssignment, Fr); 8] = [
        |chunk, one| chunk.inputs.root_before += one,
        |chunk, one| chunk.inputs.root_after += one,
        |chunk, one| chunk.inputs.challenge += one,
        |chunk, one| chunk.inputs.share += one,
        |chunk, one| chunk.inputs.data_commitment += one,
        |chunk, one| chunk.inputs.deposit_value += one,
        |chunk, one| chunk.inputs.recipients += one,
        |chunk, one| chunk.domain += one,
    ];
    for (number, change) in changes.into_iter().enumerate() {
        let mut changed = honest.clone();
        change(&mut changed, one);
        assert!(satisfied(&changed).is_err(), "public input {number}");
    }
    // A payee beyond 160 bits doesn't spill into the fee recipient.
    let mut spilled = honest.clone();
    spilled.payee = honest.payee + power(160);
    spilled.fee_index = honest.fee_index - one;
    assert!(satisfied(&spilled).is_err());
}

#[test]
fn the_domain_is_bound_without_and_with_deposits() {
    for deposits in [vec![], vec![deposit(4, 5)]] {
        let slots = deposits.iter().map(|deposit: &Deposit| paid(deposit.to.get(), deposit.amount));
        let attempt = Attempt::new(slots).deposits(deposits.clone());
        let mut assignment = attempt.assignment();
        assert!(satisfied(&assignment).is_ok());
        let other = Domain::new(2, L1Address::default());
        assignment.domain = other.element();
        let elements: Vec<Fr> = attempt.native().unwrap().chunks[0].elements();
        assignment.inputs.data_commitment = statement::data_commitment(other, &elements);
        assert!(satisfied(&assignment).is_err());
    }
}
