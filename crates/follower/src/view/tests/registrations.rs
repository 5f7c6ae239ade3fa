//! Pauses, keys that rotate, and stakes, fees and rates as events change them.

use super::*;

#[test]
fn a_pause_voids_the_slot_and_the_next_one_follows_it() {
    let mut world = World::new();
    world.apply(99, vec![registered(1, 90)]);
    let hash = B256::repeat_byte(1);
    world.apply(103, vec![proposed(0, 103, 100, 1, 5, hash)]);
    let wrong = world.refusal(104, vec![RollupEvent::SlotVoided { slot: Slot::new(1) }]);
    assert!(wrong.contains("expected slot 0"), "{wrong}");
    let early =
        vec![RollupEvent::SlotVoided { slot: Slot::new(0) }, RollupEvent::Paused { until: L1Slot::new(153) }];
    let wrong = world.refusal(104, early);
    assert!(wrong.contains("expected end of the pause 154"), "{wrong}");
    world.apply(
        104,
        vec![RollupEvent::SlotVoided { slot: Slot::new(0) }, RollupEvent::Paused { until: L1Slot::new(154) }],
    );
    assert_eq!(world.view.paused_until(L1Slot::new(153)), Some(L1Slot::new(154)));
    assert_eq!(world.view.paused_until(L1Slot::new(154)), None);
    let slot = world.view.slot(L1Slot::new(150));
    assert_eq!((slot.slot, slot.phase, slot.candidates.len()), (Slot::new(1), Phase::Waiting, 0));
    assert_eq!(slot.previous_start, L1Slot::new(154));
    assert_eq!(slot.seed_at, seed_at(L1Slot::new(154), &parameters()));
}

#[test]
fn keys_rotate_when_they_were_announced_to() {
    let mut world = World::new();
    world.apply(99, vec![registered(1, 90), registered(2, 90)]);
    let (one, two) = (SequencerId::new(1), SequencerId::new(2));
    let (first, second) = (Address::repeat_byte(1), Address::repeat_byte(0x51));
    world.apply(
        100,
        vec![
            RollupEvent::AttesterRotated { sequencer: one, attester: second, from: L1Slot::new(110) },
            RollupEvent::BlsKeyRotated {
                sequencer: two,
                bls_key: [B256::repeat_byte(0x52); 4],
                from: L1Slot::new(105),
            },
        ],
    );
    let record = world.view.sequencer(one).unwrap();
    assert_eq!([109, 110].map(|at| record.attester.at(L1Slot::new(at))), [first, second]);
    assert!(world.view.is_eligible(two, L1Slot::new(100)), "the key hasn't changed yet");
    world.apply(105, Vec::new());
    assert!(!world.view.is_eligible(two, L1Slot::new(104)), "a slot from before the change is closed to it");
    assert!(world.view.is_eligible(two, L1Slot::new(105)));
    let attesters = |start| {
        world.view.eligible_sequencers(L1Slot::new(start)).iter().map(|t| t.attester).collect::<Vec<_>>()
    };
    assert_eq!(attesters(104), [first]);
    assert_eq!(attesters(110), [second, Address::repeat_byte(2)]);
    // the attester's second rotation keeps what the first brought for everything before
    let third = Address::repeat_byte(0x53);
    world.apply(
        20_000,
        vec![RollupEvent::AttesterRotated { sequencer: one, attester: third, from: L1Slot::new(20_004) }],
    );
    let record = world.view.sequencer(one).unwrap();
    assert_eq!([20_003, 20_004].map(|at| record.attester.at(L1Slot::new(at))), [second, third]);
}

#[test]
fn stakes_fees_and_rates_follow_their_events() {
    let mut world = World::new();
    let token = TokenAmount::new;
    let one = SequencerId::new(1);
    world.apply(
        99,
        vec![registered(1, 90), RollupEvent::RatesScheduled { from: Slot::new(0), rates: rates() }],
    );
    let later = Rates { reward_per_l1_slot: token(1), ..rates() };
    let slashed = RollupEvent::StakeSlashed { sequencer: one, amount: token(30), remaining: token(70) };
    let withdrawer = Address::repeat_byte(0x77);
    world.apply(
        100,
        vec![
            slashed,
            RollupEvent::ToppedUp { sequencer: one, from: withdrawer, amount: token(20), stake: token(90) },
            RollupEvent::WithdrawerSet { sequencer: one, withdrawer },
            RollupEvent::FeeRecipientSet { sequencer: one, fee_recipient: 9 },
            RollupEvent::RatesScheduled { from: Slot::new(3), rates: later },
        ],
    );
    let record = world.view.sequencer(one).unwrap();
    assert_eq!((record.stake, record.withdrawer, record.fee_recipient), (token(90), withdrawer, 9));
    let rewards = [0, 2, 3, 9].map(|slot| world.view.rates(Slot::new(slot)).unwrap().reward_per_l1_slot);
    assert_eq!(rewards, [token(300), token(300), token(1), token(1)]);
    let wrong =
        RollupEvent::ToppedUp { sequencer: one, from: withdrawer, amount: token(5), stake: token(96) };
    assert!(world.refusal(101, vec![wrong]).contains("expected stake 95, got 96"));
    let cancelled = RollupEvent::EntryCancelled { sequencer: one, to: withdrawer, amount: token(90) };
    world.apply(101, vec![cancelled]);
    let record = world.view.sequencer(one).unwrap();
    assert_eq!((record.stake, record.exit_at), (token(0), Some(L1Slot::new(101))));
}
