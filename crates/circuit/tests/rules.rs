//! For each rule, a chunk that breaks only this rule is refused by the ledger and by the circuit.
#![allow(missing_docs)]

mod common;
use alloy_primitives::Address;
use common::*;
use fernet_circuit::assignment::ChunkAssignment;
use fernet_ledger::*;
use fernet_protocol::{ChainId, RollupId};

#[track_caller]
fn accepted(attempt: Attempt) {
    assert!(attempt.verdict(), "refused by {:?}", attempt.native());
}

#[track_caller]
fn refused(attempt: Attempt) {
    assert!(!attempt.verdict());
}

// rule: J7, J8, J10, J12
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

// rule: J13
#[test]
fn fees_are_credited_or_burned() {
    accepted(Attempt::new([transfer(1, 2, 10, 5), withdrawal(2, 3, 4), target()]).fee_recipient(3));
    accepted(Attempt::new([transfer(1, 2, 10, 5)]).fee_recipient(1));
    accepted(Attempt::new([transfer(1, 2, 10, 5)]).fee_recipient(9));
    accepted(Attempt::new([transfer(1, 2, 10, 5), paid(9, 1)]).deposits([deposit(9, 1)]).fee_recipient(9));
    accepted(Attempt::new([]).fee_recipient(3));
}

// rule: J7
#[test]
fn the_sender_must_exist() {
    refused(Attempt::new([transfer(4, 1, 10, 0)]));
    refused(Attempt::new([transfer(4, 1, 0, 0)]));
    refused(Attempt::new([transfer(0, 1, 0, 0)]));
}

// rule: J7
#[test]
fn the_recipient_must_exist() {
    refused(Attempt::new([transfer(1, 4, 10, 0)]));
    let mut creating = transfer(1, 4, 10, 0);
    creating.creates = Some(true);
    refused(Attempt::new([creating]));
}

// rule: J3
#[test]
fn indices_must_have_a_leaf() {
    refused(Attempt::new([Raw { signer: 1, ..transfer(1 + 16, 2, 10, 0) }]));
    refused(Attempt::new([transfer(1, 2 + 16, 10, 0)]));
    refused(Attempt::new([transfer(1, 2 + (1 << 31), 10, 0)]));
    refused(Attempt::new([paid(4 + 16, 5)]).deposits([deposit(4 + 16, 5)]));
    refused(Attempt::new([transfer(1, 2, 10, 1)]).fee_recipient(3 + 16));
}

// rule: J14
#[test]
fn the_signature_must_be_the_senders_for_this_operation() {
    refused(Attempt::new([Raw { signer: 2, ..transfer(1, 2, 10, 0) }]));
    refused(Attempt::new([Raw { nonce: Some(1), ..transfer(1, 2, 10, 0) }]));
    refused(Attempt::new([transfer(1, 2, 10, 0), Raw { nonce: Some(0), ..transfer(1, 2, 10, 0) }]));
    let elsewhere = Domain::from(RollupId::new(ChainId::new(1), Address::repeat_byte(0x11)));
    refused(Attempt::new([Raw { domain: elsewhere, ..transfer(1, 2, 10, 0) }]));
    refused(Attempt::new([Raw { signer: 2, ..withdrawal(1, 10, 0) }, target()]));
}

// rule: J14
#[test]
fn a_withdrawals_target_is_signed() {
    refused(Attempt::new([Raw { target: Some(Fr::from(5u64)), ..withdrawal(1, 10, 0) }, target()]));
    accepted(Attempt::new([withdrawal(1, 10, 0), target()]));
}

// rule: J7, J8
#[test]
fn the_balance_must_cover_amount_and_fee() {
    accepted(Attempt::new([transfer(1, 2, 999, 1)]));
    refused(Attempt::new([transfer(1, 2, 1_000, 1)]));
    refused(Attempt::new([transfer(1, 2, 1_001, 0)]));
    refused(Attempt::new([withdrawal(1, 1_001, 0), target()]));
    // A payment to oneself above the balance.
    refused(Attempt::new([transfer(1, 1, 1_001, 0)]));
}

// rule: J1, J7
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

// rule: J1
#[test]
fn nonces_must_fit_32_bits() {
    accepted(Attempt::new([transfer(1, 1, 0, 0)]).accounts([(deposit(1, 5), u32::MAX - 1)]));
    refused(Attempt::new([transfer(1, 1, 0, 0)]).accounts([(deposit(1, 5), u32::MAX)]));
}

// rule: J10, Y8
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

// rule: J1, J10
#[test]
fn a_deposit_cannot_change_or_choose_a_key() {
    // Account 1 exists with another key.
    refused(Attempt::new([paid(1, 5)]).deposits([Deposit { key: secret(9).public_key(), ..deposit(1, 5) }]));
    // The data doesn't contain the key. The ledger uses the key of L1, and the prover another one.
    let mut planted = Attempt::new([paid(4, 5)]).deposits([deposit(4, 5)]);
    planted.planted = Some(secret(9).public_key());
    assert!(planted.circuit().is_err());
}

// rule: J10
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

// rule: J1
#[test]
fn the_reserved_account_takes_no_deposit() {
    refused(Attempt::new([paid(0, 5)]).deposits([Deposit { to: index(0), ..deposit(1, 5) }]));
}

// rule: J8, J11
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

// rule: J11
#[test]
fn a_target_is_no_zero_address() {
    refused(Attempt::new([withdrawal(1, 10, 0), Raw { body: Fr::from(0u64), ..target() }]));
}

// rule: J6, Y1
#[test]
fn unused_fields_are_zero() {
    refused(Attempt::new([Raw { body: Fr::from(1u64), ..padding() }]));
    refused(Attempt::new([Raw { body: power(159), ..padding() }]));
    let with = |raw: Raw, extra: Fr| Raw { body: raw.body + extra, ..raw };
    refused(Attempt::new([with(withdrawal(1, 10, 0), power(32)), target()]));
    refused(Attempt::new([with(paid(4, 5), Fr::from(1u64))]).deposits([deposit(4, 5)]));
    refused(Attempt::new([with(paid(4, 5), power(128))]).deposits([deposit(4, 5)]));
}

// rule: Y1
#[test]
fn elements_are_160_bits_and_a_known_kind() {
    refused(Attempt::new([Raw { kind: 5, ..padding() }]));
    refused(Attempt::new([Raw { body: power(168), ..padding() }]));
    refused(Attempt::new([Raw { kind: 17, ..transfer(1, 2, 10, 0) }]));
    refused(Attempt::new([Raw { body: transfer(1, 2, 10, 0).body + power(170), ..transfer(1, 2, 10, 0) }]));
}

// rule: J13
#[test]
fn fees_cannot_be_withheld_or_misdirected() {
    let mut withheld = Attempt::new([transfer(1, 2, 10, 5)]).fee_recipient(3);
    withheld.credit = Some(false);
    assert!(withheld.circuit().is_err());
    let mut invented = Attempt::new([transfer(1, 2, 10, 5)]).fee_recipient(9);
    invented.credit = Some(true);
    assert!(invented.circuit().is_err());
    let mut redirected = Attempt::new([transfer(1, 2, 10, 5)]).fee_recipient(3).assignment();
    // The value of the circuit, with the polynomial of L1 unchanged.
    redirected.fee_index = Fr::from(2u64);
    assert!(satisfied(&redirected).is_err());
}

// rule: Y1
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

// rule: Z1, Y5
#[test]
fn every_input_and_all_of_the_context_binds() {
    let attempt =
        Attempt::new([transfer(1, 2, 10, 5), paid(4, 7)]).deposits([deposit(4, 7)]).fee_recipient(3);
    let honest = attempt.assignment();
    assert!(satisfied(&honest).is_ok());
    let one = Fr::from(1u64);
    let changes: [fn(&mut ChunkAssignment, Fr); 10] = [
        |chunk, one| chunk.inputs.challenge += one,
        |chunk, one| chunk.inputs.share += one,
        |chunk, one| chunk.inputs.commitment += one,
        |chunk, one| chunk.inputs.binding += one,
        |chunk, one| chunk.root_before += one,
        |chunk, one| chunk.root_after += one,
        |chunk, one| chunk.domain += one,
        |chunk, one| chunk.payee += one,
        |chunk, one| chunk.fee_index += one,
        |chunk, one| chunk.fee_burn += one,
    ];
    for (number, change) in changes.into_iter().enumerate() {
        let mut changed = honest.clone();
        change(&mut changed, one);
        assert!(satisfied(&changed).is_err(), "value {number}");
    }
    // A payee of more than 160 bits doesn't change the fee recipient.
    let mut spilled = honest.clone();
    spilled.payee = honest.payee + power(160);
    spilled.fee_index = honest.fee_index - one;
    assert!(satisfied(&spilled).is_err());
}

/// Replaces the commitment of an assignment by the one of another context.
fn rebind(assignment: &mut ChunkAssignment, attempt: &Attempt, context: &statement::ChunkContext) {
    let elements = attempt.native().unwrap().chunks[0].elements();
    assignment.inputs.commitment = statement::commitment(context, &elements);
}

// rule: Z4
#[test]
fn the_context_is_l1s_with_an_empty_and_with_a_full_queue() {
    for deposits in [vec![], vec![deposit(4, 5)]] {
        let slots = deposits.iter().map(|deposit: &Deposit| paid(deposit.to.get(), deposit.amount));
        let attempt = Attempt::new(slots).deposits(deposits.clone());
        let honest = attempt.assignment();
        assert!(satisfied(&honest).is_ok());
        let payee = Address::repeat_byte(0x77);
        let context = attempt.native().unwrap().chunks[0].context(&attempt.rules(), payee);
        // The commitment has the prover's context, but the polynomial of L1 has L1's.
        let other = Domain::from(RollupId::new(ChainId::new(2), Address::ZERO));
        let mut changed = honest.clone();
        changed.domain = other.element();
        rebind(&mut changed, &attempt, &statement::ChunkContext { domain: other, ..context });
        assert!(satisfied(&changed).is_err());
        let rules = BlockRules { fee_recipient: index(2), ..attempt.rules() };
        let mut changed = honest.clone();
        changed.fee_index = Fr::from(2u64);
        rebind(
            &mut changed,
            &attempt,
            &statement::ChunkContext { recipients: rules.recipients(payee), ..context },
        );
        assert!(satisfied(&changed).is_err());
        // The binding has the prover's context, but the commitment has L1's.
        let mut unbound = changed.clone();
        let forged = statement::ChunkContext { recipients: rules.recipients(payee), ..context };
        unbound.inputs.binding = statement::binding(&forged, unbound.inputs.challenge, &attempt.queue);
        unbound.inputs.commitment = honest.inputs.commitment;
        assert!(satisfied(&unbound).is_err());
    }
}

// rule: J9
#[test]
fn exits_move_the_whole_balance_out() {
    accepted(Attempt::new([left(1, 1_000), target()]).queue([exit(1)]));
    // Another exit with balance 0, one after a payment, and one after a deposit that creates the account.
    accepted(Attempt::new([left(1, 1_000), target(), left(1, 0), target()]).queue([exit(1), exit(1)]));
    accepted(Attempt::new([transfer(2, 1, 5, 0), left(1, 1_005), target()]).queue([exit(1)]));
    accepted(Attempt::new([paid(4, 5), left(4, 5), target()]).queue([deposit(4, 5).into(), exit(4)]));
    // The account can receive and pay again, and its nonce is unchanged.
    accepted(
        Attempt::new([left(1, 1_000), target(), transfer(2, 1, 7, 0), transfer(1, 3, 7, 0)]).queue([exit(1)]),
    );
    accepted(
        Attempt::new([transfer(1, 2, 10, 5), left(3, 1_000), target()]).queue([exit(3)]).fee_recipient(3),
    );
}

// rule: J9
#[test]
fn an_exit_of_no_account_or_of_the_last_nonce_is_consumed() {
    accepted(Attempt::new([left(5, 0), target(), left(0, 0), target()]).queue([exit(5), exit(0)]));
    refused(Attempt::new([left(5, 1), target()]).queue([exit(5)]));
    let spent = [(deposit(1, 5), u32::MAX)];
    accepted(Attempt::new([left(1, 5), target()]).accounts(spent).queue([exit(1)]));
    refused(Attempt::new([left(1 + 16, 0), target()]).queue([exit(1 + 16)]));
}

// rule: Y8
#[test]
fn an_exit_in_the_queue_cannot_be_skipped() {
    refused(Attempt::new([]).queue([exit(1)]));
    refused(Attempt::new([withdrawal(1, 1_000, 0), target()]).queue([exit(1)]));
    refused(Attempt::new([paid(4, 5)]).queue([exit(1), deposit(4, 5).into()]));
}

// rule: Y8, Z4
#[test]
fn a_proof_lists_the_lanes_operations_in_the_order_of_the_data() {
    let slots = || Attempt::new([paid(4, 5), left(1, 1_000), target()]);
    accepted(slots().queue([deposit(4, 5).into(), exit(1)]));
    let mixed = slots().queue([exit(1), deposit(4, 5).into()]);
    assert!(mixed.native().is_ok(), "each lane is in its order");
    assert!(satisfied(&mixed.assignment()).is_err());
}

// rule: J9
#[test]
fn an_exit_takes_the_balance_and_nothing_else() {
    for amount in [0, 1, 999, 1_001, u64::MAX] {
        refused(Attempt::new([left(1, amount), target()]).queue([exit(1)]));
    }
}

// rule: J9
#[test]
fn an_exits_target_is_l1s() {
    let elsewhere = Exit { from: index(1), target: Address::repeat_byte(0xab) };
    refused(Attempt::new([left(1, 1_000), target()]).queue([elsewhere.into()]));
    refused(Attempt::new([left(1, 1_000), Raw { body: Fr::from(0u64), ..target() }]).queue([exit(1)]));
}

// rule: J9
#[test]
fn an_exit_is_of_l1s_account() {
    refused(Attempt::new([left(2, 1_000), target()]).queue([exit(1)]));
    refused(Attempt::new([left(5, 0), target()]).queue([exit(1)]));
}

// rule: J9, Y8
#[test]
fn an_exit_is_in_the_queue() {
    refused(Attempt::new([left(1, 1_000), target()]));
    refused(Attempt::new([left(1, 1_000), target(), left(2, 1_000), target()]).queue([exit(1)]));
    refused(Attempt::new([left(2, 1_000), target(), left(1, 1_000), target()]).queue([exit(1), exit(2)]));
}

// rule: J9, J10
#[test]
fn deposits_and_exits_cannot_stand_for_each_other() {
    refused(Attempt::new([left(1, 1_000), target()]).queue([deposit(1, 1_000).into()]));
    refused(Attempt::new([paid(1, 1_000)]).queue([exit(1)]));
    // A deposit with the first coefficient of an exit has an amount of more than 64 bits.
    let mut cheat = Attempt::new([paid(1, 0)]).queue([exit(1)]);
    cheat.slots[0].body += power(96) * power(32);
    refused(cheat);
}

// rule: J9
#[test]
fn an_existing_account_cannot_be_passed_off_as_absent() {
    let absent = Raw { absent: Some(true), ..left(1, 0) };
    assert!(Attempt::new([absent, target()]).queue([exit(1)]).circuit().is_err());
    let full = Raw { absent: Some(true), ..left(1, 1_000) };
    assert!(Attempt::new([full, target()]).queue([exit(1)]).circuit().is_err());
    let present = Raw { absent: Some(false), ..left(5, 0) };
    assert!(Attempt::new([present, target()]).queue([exit(5)]).circuit().is_err());
    // Only an exit may have a sender that doesn't exist.
    let paying = Raw { absent: Some(true), ..transfer(5, 1, 0, 0) };
    assert!(Attempt::new([paying]).circuit().is_err());
    let leaving = Raw { absent: Some(true), ..withdrawal(5, 0, 0) };
    assert!(Attempt::new([leaving, target()]).circuit().is_err());
}

// rule: J14
#[test]
fn an_exit_needs_no_signature_and_a_withdrawal_does() {
    // The data of an exit with the flag of a withdrawal, and the reverse.
    let signed = Raw { forced: false, signer: 1, ..left(1, 1_000) };
    assert!(Attempt::new([signed, target()]).circuit().is_err());
    let unsigned = Raw { forced: true, ..withdrawal(1, 1_000, 0) };
    assert!(Attempt::new([unsigned.clone(), target()]).circuit().is_err());
    assert!(Attempt::new([unsigned, target()]).queue([exit(1)]).circuit().is_err());
}

// rule: Y1
#[test]
fn an_exits_element_has_a_mark_and_no_fee() {
    let with = |extra: Fr| Raw { body: left(1, 1_000).body + extra, ..left(1, 1_000) };
    refused(Attempt::new([with(power(32)), target()]).queue([exit(1)]));
    refused(Attempt::new([with(-power(32)), target()]).queue([exit(1)]));
    refused(Attempt::new([with(power(128)), target()]).queue([exit(1)]));
    // A fee that the balance would pay.
    let paying = Raw { body: left(1, 999).body + power(128), ..left(1, 999) };
    refused(Attempt::new([paying, target()]).queue([exit(1)]).fee_recipient(2));
}

// rule: J9, J11
#[test]
fn targets_follow_exits_within_the_chunk() {
    refused(Attempt::new([left(1, 1_000)]).queue([exit(1)]));
    refused(Attempt::new([left(1, 1_000), padding(), target()]).queue([exit(1)]));
    refused(Attempt::new([padding(), padding(), padding(), left(1, 1_000)]).queue([exit(1)]));
    refused(Attempt::new([left(1, 1_000), target(), target()]).queue([exit(1)]));
}

// rule: J13
#[test]
fn a_share_of_the_fees_is_burned_rounded_down() {
    for bps in [0, 1, 2_500, 3_333, 9_999, 10_000] {
        accepted(Attempt::new([transfer(1, 2, 10, 7), transfer(2, 1, 10, 6)]).fee_recipient(3).fee_burn(bps));
        accepted(Attempt::new([transfer(1, 2, 10, 7)]).fee_recipient(9).fee_burn(bps));
        accepted(Attempt::new([]).fee_recipient(3).fee_burn(bps));
    }
    let rich = [(deposit(1, u64::MAX), 0), (deposit(2, 1), 0)];
    let most: Vec<Raw> = (0..4).map(|_| transfer(1, 1, 0, u32::MAX)).collect();
    accepted(Attempt::new(most).accounts(rich).fee_recipient(2).fee_burn(3_333));
    // The burned part doesn't count for the recipient's balance.
    let full = [(deposit(1, u64::MAX), 0), (deposit(2, 9), 0)];
    accepted(Attempt::new([transfer(2, 2, 0, 9)]).accounts(full).fee_recipient(1).fee_burn(10_000));
    refused(Attempt::new([transfer(2, 2, 0, 9)]).accounts(full).fee_recipient(1).fee_burn(9_999));
}

// rule: J13
#[test]
fn no_other_share_than_l1s_is_burned() {
    let attempt = Attempt::new([transfer(1, 2, 10, 100)]).fee_recipient(3).fee_burn(2_550);
    assert!(attempt.circuit().is_ok());
    for burned in [0u64, 24, 26, 100] {
        let cheat = Attempt { burned: Some(Fr::from(burned)), ..attempt.clone() };
        assert!(cheat.circuit().is_err(), "{burned}");
    }
    let negative = Attempt { burned: Some(-Fr::from(1u64)), ..attempt.clone() };
    assert!(negative.circuit().is_err());
    // A share other than the one in the polynomial of L1.
    let honest = attempt.assignment();
    for share in [Fr::from(0u64), Fr::from(2_551u64), Fr::from(10_001u64), -Fr::from(1u64)] {
        let mut cheat = honest.clone();
        cheat.fee_burn = share;
        assert!(satisfied(&cheat).is_err());
    }
}
