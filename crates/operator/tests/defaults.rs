//! The configuration's defaults are those of the roles.

use alloy::primitives::{Address, U256};
use fernet_config::{Config, Sources};
use fernet_operator::configured;
use fernet_protocol::SequencerId;
use fernet_prover::PriceList;
use fernet_roles::{DEFAULT_AT_STAKE, DEFAULT_CLAIM_FROM, DEFAULT_MAX_TOTAL_FEE, MempoolLimits};
use fernet_sequencer::{DEFAULT_QUOTE_DEADLINE, Strategy};

#[test]
fn a_role_without_settings_has_the_defaults_of_its_crate() {
    let config = Config::build(&Sources::default()).expect("no settings are valid settings");
    let expected = Strategy::new(SequencerId::new(1), 0);
    let sequencer = &config.sequencer;
    assert_eq!(sequencer.max_price, expected.max_price);
    assert_eq!(sequencer.patience, expected.patience);
    assert_eq!(sequencer.fee_recipient, expected.fee_recipient);
    assert_eq!(sequencer.quote_deadline, DEFAULT_QUOTE_DEADLINE);
    assert_eq!(sequencer.max_total_fee.get(), DEFAULT_MAX_TOTAL_FEE);
    assert_eq!(sequencer.at_stake.get(), DEFAULT_AT_STAKE);
    let claim_from = |amount: fernet_protocol::TokenAmount| U256::from(amount.get());
    assert_eq!(sequencer.claim_from.value().map(claim_from), Some(DEFAULT_CLAIM_FROM));

    let prover = &config.prover;
    let prices = PriceList {
        base: prover.base_price,
        per_chunk: prover.chunk_price,
        least: prover.least_price,
        bond: prover.bond,
    };
    assert_eq!(prices, PriceList::DEFAULT);
    let expected = fernet_prover::Strategy::new(Address::ZERO, prices, 0);
    assert_eq!(prover.offer_validity, expected.offer_validity);
    assert_eq!(prover.rescue_lead, expected.rescue_lead);
    assert_eq!(prover.max_total_fee.get(), DEFAULT_MAX_TOTAL_FEE);
    assert_eq!(prover.at_stake.get(), DEFAULT_AT_STAKE);
    assert_eq!(prover.claim_from.value().map(claim_from), Some(DEFAULT_CLAIM_FROM));

    assert_eq!(configured::mempool(&config), MempoolLimits::default());
}
