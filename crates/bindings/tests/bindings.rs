//! The generated bindings against solc's ABIs, the artifacts, reverts and conversions.

use alloy::{
    dyn_abi::{DynSolType, DynSolValue, Specifier},
    json_abi::JsonAbi,
    primitives::{
        Address, B256, I256, U256,
        aliases::{I96, U192},
    },
    sol_types::{SolError, SolValue},
};
use fernet_bindings::{
    CodeMismatch, Header, IBridge, IERC20, IEscrow, IGuardian, IPayload, IRandomness, IReader, IRegistry,
    IRewards, IRollup, IScoring, IStaking, IStateTransitionVerifier, ITimelock, IVotes, Lane, Parameters,
    Phase, Quote, Rates, Revert, Status, artifacts, contracts, convert, decode_revert, expected_code_matches,
};
use fernet_protocol as protocol;
use std::collections::BTreeSet;

/// Selectors and topics of an ABI, with the canonical signatures behind them.
fn surface(abi: &JsonAbi) -> BTreeSet<String> {
    let functions = abi.functions().map(|f| format!("function {}", f.signature()));
    let events = abi.events().map(|e| {
        let indexed: Vec<_> = e.inputs.iter().map(|i| i.indexed).collect();
        format!("event {} {indexed:?}", e.signature())
    });
    let errors = abi.errors().map(|e| format!("error {}", e.signature()));
    functions.chain(events).chain(errors).collect()
}

#[test]
fn interfaces_are_what_solc_says() {
    let generated = [
        ("IRollup", IRollup::abi::contract()),
        ("IStaking", IStaking::abi::contract()),
        ("IRandomness", IRandomness::abi::contract()),
        ("IEscrow", IEscrow::abi::contract()),
        ("IRewards", IRewards::abi::contract()),
        ("IBridge", IBridge::abi::contract()),
        ("IStateTransitionVerifier", IStateTransitionVerifier::abi::contract()),
        ("IScoring", IScoring::abi::contract()),
        ("IReader", IReader::abi::contract()),
        ("IVotes", IVotes::abi::contract()),
        ("ITimelock", ITimelock::abi::contract()),
        ("IPayload", IPayload::abi::contract()),
        ("IGuardian", IGuardian::abi::contract()),
        ("IRegistry", IRegistry::abi::contract()),
    ];
    if artifacts::interfaces_only() {
        return; // solc wasn't asked
    }
    let compiled = artifacts::interface_abis();
    assert_eq!(compiled.len(), generated.len(), "an interface is missing here");
    for (name, abi) in generated {
        let (_, json) = compiled.iter().find(|(other, _)| *other == name).expect("compiled");
        let theirs: JsonAbi = serde_json::from_str(json).expect("solc writes JSON");
        assert_eq!(surface(&abi), surface(&theirs), "{name}");
    }
}

#[test]
fn code_is_compared_but_for_its_immutables() {
    for artifact in artifacts::artifacts() {
        let runtime = artifact.runtime_code();
        assert!(!runtime.is_empty() && !artifact.creation_code().is_empty(), "{}", artifact.name());
        assert!(
            runtime.len() <= 24_576,
            "{} has {} bytes: EIP-170 allows 24,576",
            artifact.name(),
            runtime.len()
        );
        let _: JsonAbi = serde_json::from_str(artifact.abi_json()).expect("solc writes JSON");
        assert_eq!(expected_code_matches(artifact.name(), runtime), Ok(()));

        let mut filled = runtime.to_vec();
        for range in artifact.immutables() {
            assert_eq!(range.len(), 32);
            for at in range.clone() {
                filled[at as usize] = 0xee;
            }
        }
        assert_eq!(artifact.matches(&filled), Ok(()));

        let is_code =
            |at: &usize| !artifact.immutables().iter().any(|r| r.contains(&u32::try_from(*at).unwrap()));
        let at = (0..runtime.len()).rev().find(is_code).expect("not all is immutable");
        filled[at] ^= 1;
        let name = artifact.name();
        let (expected, actual) = (runtime[at], filled[at]);
        assert_eq!(artifact.matches(&filled), Err(CodeMismatch::WrongByte { name, at, expected, actual }));
        filled.push(0);
        let (expected, actual) = (runtime.len(), runtime.len() + 1);
        assert_eq!(artifact.matches(&filled), Err(CodeMismatch::WrongLength { name, expected, actual }));
        assert_eq!(artifact.matches(&[]), Err(CodeMismatch::NoCode { name, expected }));
    }
    assert!(matches!(expected_code_matches("Nothing", &[1]), Err(CodeMismatch::UnknownContract { .. })));
}

#[test]
fn reverts_are_readable() {
    let low = IRollup::ScoreTooLow { score: U192::from(5), toBeat: U192::from(7) };
    let decoded = decode_revert(&low.abi_encode());
    assert_eq!(decoded.to_string(), "ScoreTooLow(score: 5, toBeat: 7)");
    assert_eq!(decoded.name(), Some("ScoreTooLow"));
    assert_eq!(decoded.argument("toBeat"), Some("7"));

    let phase = IRollup::WrongPhase { expected: Phase::Reveal, actual: Phase::Backup };
    assert_eq!(
        decode_revert(&phase.abi_encode()).to_string(),
        "WrongPhase(expected: Reveal, actual: Backup)"
    );
    let status = IStaking::WrongStatus { sequencer: 3, expected: Status::Active, actual: Status::Exiting };
    assert_eq!(
        decode_revert(&status.abi_encode()).to_string(),
        "WrongStatus(sequencer: 3, expected: Active, actual: Exiting)"
    );
    let of_lane = |data: Vec<u8>, expected: &str| assert_eq!(decode_revert(&data).to_string(), expected);
    of_lane(
        IBridge::QueueOutOfRange { lane: Lane::Exits, from: 1, to: 2, count: 0 }.abi_encode(),
        "QueueOutOfRange(lane: Exits, from: 1, to: 2, count: 0)",
    );
    of_lane(
        IBridge::TooManyOperations { lane: Lane::Deposits, maximum: 2, actual: 3 }.abi_encode(),
        "TooManyOperations(lane: Deposits, maximum: 2, actual: 3)",
    );
    of_lane(
        IBridge::OperationsNotConsumed { lane: Lane::Deposits, required: 2, actual: 1 }.abi_encode(),
        "OperationsNotConsumed(lane: Deposits, required: 2, actual: 1)",
    );
    let chain = IBridge::WrongChain { lane: Lane::Exits, expected: B256::ZERO, actual: B256::ZERO };
    of_lane(
        chain.abi_encode(),
        &format!("WrongChain(lane: Exits, expected: {}, actual: {})", B256::ZERO, B256::ZERO),
    );
    let range = IRollup::PriceOutOfRange { lowest: -1, highest: 2, actual: i128::MIN };
    of_lane(range.abi_encode(), &format!("PriceOutOfRange(lowest: -1, highest: 2, actual: {})", i128::MIN));
    let name = IRollup::BadParameter { name: "idle".into() };
    assert_eq!(decode_revert(&name.abi_encode()).to_string(), "BadParameter(name: \"idle\")");
    let balance = IERC20::ERC20InsufficientBalance {
        sender: Address::repeat_byte(1),
        balance: U256::from(2),
        needed: U256::from(3),
    };
    assert_eq!(
        decode_revert(&balance.abi_encode()).to_string(),
        "ERC20InsufficientBalance(sender: 0x0101010101010101010101010101010101010101, balance: 2, needed: 3)"
    );
    assert_eq!(decode_revert(&IRollup::NoNewBlob {}.abi_encode()).to_string(), "NoNewBlob()");
}

#[test]
fn every_declared_error_is_decoded_by_name() {
    for abi in [
        IRollup::abi::contract(),
        IStaking::abi::contract(),
        IRandomness::abi::contract(),
        IEscrow::abi::contract(),
        IRewards::abi::contract(),
        IBridge::abi::contract(),
        IScoring::abi::contract(),
        IReader::abi::contract(),
        IVotes::abi::contract(),
        ITimelock::abi::contract(),
        IGuardian::abi::contract(),
        IRegistry::abi::contract(),
    ] {
        for error in abi.errors() {
            let zeros: Vec<_> =
                error.inputs.iter().map(|i| zero(&i.resolve().expect("an ABI type"))).collect();
            let mut data = error.selector().to_vec();
            data.extend(DynSolValue::Tuple(zeros).abi_encode_params());
            assert_eq!(decode_revert(&data).name(), Some(error.name.as_str()));
        }
    }
}

/// The zero of a type that errors have.
fn zero(ty: &DynSolType) -> DynSolValue {
    match ty {
        DynSolType::Bool => DynSolValue::Bool(false),
        DynSolType::Int(bits) => DynSolValue::Int(I256::ZERO, *bits),
        DynSolType::Uint(bits) => DynSolValue::Uint(U256::ZERO, *bits),
        DynSolType::Address => DynSolValue::Address(Address::ZERO),
        DynSolType::FixedBytes(size) => DynSolValue::FixedBytes(B256::ZERO, *size),
        DynSolType::Bytes => DynSolValue::Bytes(Vec::new()),
        DynSolType::String => DynSolValue::String(String::new()),
        other => panic!("no error had a {other} so far"),
    }
}

#[test]
fn any_bytes_are_some_revert() {
    assert_eq!(decode_revert(&[]), Revert::Empty);
    assert_eq!(decode_revert(&[1, 2]).to_string(), "reverted with unknown data 0x0102");
    let reason = alloy::sol_types::Revert::from("no").abi_encode();
    assert_eq!(decode_revert(&reason), Revert::Reason("no".into()));
    let panic = alloy::sol_types::Panic::from(0x11_u64).abi_encode();
    assert!(matches!(decode_revert(&panic), Revert::Panic(text) if text.contains("overflow")));
    // a known selector with too little data, and an enum member that doesn't exist
    let low = IRollup::ScoreTooLow { score: U192::from(5), toBeat: U192::from(7) }.abi_encode();
    assert!(matches!(decode_revert(&low[..40]), Revert::Unknown(_)));
    let mut phase = IRollup::WrongPhase { expected: Phase::Reveal, actual: Phase::Backup }.abi_encode();
    phase[67] = 99;
    let _ = decode_revert(&phase).to_string();
    assert!(decode_revert(&[0xff; 1_000]).to_string().ends_with("… (1000 bytes)"));
}

#[test]
fn structs_convert_both_ways() {
    let header = protocol::Header {
        slot: protocol::Slot::new(1),
        parent: B256::repeat_byte(2),
        state_root: B256::repeat_byte(3),
        deposits_end: 4,
        deposits_chain: B256::repeat_byte(11),
        exits_end: 12,
        exits_chain: B256::repeat_byte(13),
        fee_recipient: 5,
        chunks: 6,
        committee_digest: B256::repeat_byte(7),
        vote: Address::repeat_byte(10),
        blob_hashes: vec![B256::repeat_byte(8), B256::repeat_byte(9)],
    };
    let theirs = Header::from(header.clone());
    assert_eq!(theirs.abi_encode(), header.encode());
    assert_eq!(protocol::Header::from(theirs), header);

    let quote = protocol::Quote {
        slot: protocol::Slot::new(1),
        header_hash: B256::repeat_byte(2),
        sequencer: protocol::SequencerId::new(3),
        prover: Address::repeat_byte(4),
        payee: Address::repeat_byte(5),
        bond: protocol::TokenAmount::new(6),
        price: protocol::Price::new(-7),
        valid_until: protocol::L1Slot::new(8),
    };
    assert_eq!(protocol::Quote::from(Quote::from(quote)), quote);
    assert_eq!(convert::price(I96::MIN), protocol::Price::MIN_96);
    assert_eq!(convert::price(I96::MAX), protocol::Price::MAX_96);

    let rates = protocol::samples::rates();
    let theirs = Rates::try_from(rates).expect("the reward fits");
    assert_eq!(protocol::Rates::from(theirs), rates);
    let wide = protocol::Rates { reward_per_l1_slot: protocol::TokenAmount::new(1 << 72), ..rates };
    assert_eq!(
        Rates::try_from(wide),
        Err(convert::InvalidValue::TooWide { name: "rewardPerL1Slot", bits: 72, actual: 1 << 72 })
    );

    let parameters = Parameters {
        proposalPhase: 4,
        stallAfter: 7,
        maxStall: 8,
        maxBlobs: 6,
        maxExits: 9,
        ..Default::default()
    };
    let ours = protocol::Parameters::from(parameters.clone());
    assert_eq!(Parameters::try_from(ours), Ok(parameters));

    for phase in protocol::Phase::ALL {
        let theirs = contracts::Phase::from(phase);
        assert_eq!(theirs as u8, phase.number());
        assert_eq!(protocol::Phase::try_from(theirs), Ok(phase));
    }
    assert!(protocol::Phase::try_from(contracts::Phase::__Invalid).is_err());
    for lane in protocol::Lane::ALL {
        let theirs = contracts::Lane::from(lane);
        assert_eq!(theirs as u8, lane.number());
        assert_eq!(protocol::Lane::try_from(theirs), Ok(lane));
    }
    assert!(protocol::Lane::try_from(contracts::Lane::__Invalid).is_err());
}
