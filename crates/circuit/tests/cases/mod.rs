//! The cases of `vectors/`, shared by the example that writes them and the test that checks them.
#![allow(dead_code, unreachable_pub)] // each user takes a part

use alloy::primitives::keccak256;
use ark_ff::Field;
use fernet_circuit::block::challenge;
use fernet_circuit::digest::genesis_root;
use fernet_circuit::kzg;
use fernet_circuit::{BlockProof, BlockStatement, CircuitHash, CircuitParams, VerifyingKey};
use fernet_ledger::block::build;
use fernet_ledger::*;
use serde_json::{Value, json};

/// Where the files are.
pub fn directory() -> std::path::PathBuf {
    std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../vectors")
}

pub fn hex(bytes: impl AsRef<[u8]>) -> String {
    format!("0x{}", ::hex::encode(bytes))
}

fn element(value: &Fr) -> String {
    hex(field::to_bytes(value))
}

fn domain() -> Domain {
    Domain::new(31_337, L1Address([0x11; 20]))
}

fn index(number: u32) -> AccountIndex {
    AccountIndex::new(number)
}

fn secret(number: u32) -> SecretKey {
    SecretKey::from_seed(&number.to_be_bytes())
}

fn deposit(number: u32, amount: u64) -> Deposit {
    Deposit { to: index(number), key: secret(number).public_key(), amount }
}

fn pay(from: u32, to: u32, amount: u64, fee: u32, nonce: u32) -> SignedOperation {
    let transfer = Transfer { from: index(from), to: index(to), amount, fee, nonce };
    Operation::from(transfer).sign(domain(), &secret(from))
}

fn leave(from: u32, target: L1Address, amount: u64, fee: u32, nonce: u32) -> SignedOperation {
    let withdrawal = Withdrawal { from: index(from), target, amount, fee, nonce };
    Operation::from(withdrawal).sign(domain(), &secret(from))
}

/// Poseidon: permutation, node and leaf hashes, sponges.
pub fn poseidon_cases() -> Value {
    let numbers = |count: u64| -> Vec<Fr> { (0..count).map(Fr::from).collect() };
    let list = |values: &[Fr]| -> Vec<String> { values.iter().map(element).collect() };
    let mut state: [Fr; 5] = numbers(5).try_into().unwrap();
    poseidon::permute(&mut state);
    let sponges: Vec<Value> = (1..=9)
        .map(|count| {
            let input = numbers(count);
            let output = poseidon::sponge(poseidon::data_capacity(input.len()), &input);
            json!({ "input": list(&input), "output": element(&output) })
        })
        .collect();
    let account = Account { key: secret(1).public_key(), balance: 1_000, nonce: 7 };
    json!({
        "instance": "poseidonperm_x5_255_5",
        "permutation": { "input": list(&numbers(5)), "output": list(&state) },
        "node": { "input": list(&numbers(4)), "output": element(&poseidon::node([0, 1, 2, 3].map(Fr::from))) },
        "leaf": {
            "keyX": element(&account.key.x()),
            "keyY": element(&account.key.y()),
            "balance": account.balance,
            "nonce": account.nonce,
            "output": element(&account.leaf()),
        },
        "sponge": sponges,
        "emptyRoots": (0..=16).map(|level| element(&tree::empty(level))).collect::<Vec<_>>(),
    })
}

/// Data elements of every kind, with signed messages and signatures.
pub fn operation_cases() -> Value {
    let slots = [
        ("padding", Slot::Padding),
        ("transfer", Slot::Transfer { from: index(1), to: index(2), amount: 3, fee: 4 }),
        ("largest transfer", Slot::Transfer { from: index(!0), to: index(!0), amount: !0, fee: !0 }),
        ("withdrawal", Slot::Withdrawal { from: index(1), amount: 3, fee: 4 }),
        ("target", Slot::Target(L1Address(std::array::from_fn(|i| i as u8 + 1)))),
        ("deposit", Slot::Deposit { to: index(2), amount: 3 }),
    ];
    let slots: Vec<Value> = slots
        .iter()
        .map(|(name, slot)| json!({ "name": name, "kind": slot.kind(), "element": element(&slot.pack()) }))
        .collect();
    let signed: Vec<Value> = [pay(1, 2, 3, 4, 5), leave(1, L1Address([0xaa; 20]), 3, 4, 6)]
        .iter()
        .map(|signed| {
            let message = signed.operation.message();
            json!({
                "keyX": element(&secret(1).public_key().x()),
                "keyY": element(&secret(1).public_key().y()),
                "operation": element(&message.operation),
                "target": element(&message.target),
                "signature": hex(signed.signature.to_bytes()),
            })
        })
        .collect();
    json!({ "chainId": 31_337, "rollup": hex([0x11; 20]), "domain": element(&domain().element()), "slots": slots, "signed": signed })
}

/// Challenges, chunk challenges, shares and deposit values.
pub fn challenge_cases() -> Value {
    let commitments: Vec<Fr> = (1..4u64).map(|number| Fr::from(number).pow([99])).collect();
    let challenges: Vec<Value> = (1..=commitments.len())
        .map(|count| {
            let z = statement::challenge([0x22; 32], [0x33; 32], domain(), &commitments[..count]);
            let list: Vec<String> = commitments[..count].iter().map(element).collect();
            json!({ "headerHash": hex([0x22; 32]), "queueHash": hex([0x33; 32]), "domain": element(&domain().element()),
                    "commitments": list, "z": element(&z) })
        })
        .collect();
    let layout = CircuitParams::PRODUCTION.layout(512).unwrap();
    let z = Fr::from(7u64).pow([12_345]);
    let elements: Vec<Fr> = (1..=8u64).map(|number| Fr::from(number).pow([7])).collect();
    let deposits = [deposit(1, 5), deposit(2, u64::MAX)];
    let shares: Vec<Value> = [0usize, 1, 2, 3, 100, 511]
        .iter()
        .map(|position| {
            let chunk_z = statement::chunk_challenge(&layout, *position, z);
            json!({
                "position": position,
                "z": element(&chunk_z),
                "share": element(&statement::share(&layout, chunk_z, &elements)),
                "depositValue": element(&statement::deposit_value(domain(), chunk_z, &deposits)),
            })
        })
        .collect();
    let points: Vec<Value> = [0usize, 1, 2, 17, 4095]
        .iter()
        .map(|number| json!({ "element": number, "point": element(&kzg::element_point(*number).unwrap()) }))
        .collect();
    json!({
        "challenges": challenges,
        "z": element(&z),
        "elements": elements.iter().map(element).collect::<Vec<_>>(),
        "deposits": deposits.iter().map(deposit_json).collect::<Vec<_>>(),
        "domain": element(&domain().element()),
        "chunks": shares,
        "elementPoints": points,
    })
}

/// The verifying key with what belongs to it.
pub fn key_case(params: &CircuitParams, hash: &CircuitHash, key: &VerifyingKey) -> Value {
    json!({
        "circuit": hex(hash.0),
        "levels": params.levels,
        "operations": params.operations,
        "elements": params.elements,
        "genesisRoot": element(&genesis_root(params).unwrap()),
        "key": hex(key.to_bytes()),
    })
}

/// A block to prove.
pub struct Case {
    pub name: &'static str,
    pub block: BlockWitness,
    pub statement: BlockStatement,
    pub deposits_from: [u8; 32],
}

/// The bridge's rolling hash.
pub fn roll(chain: [u8; 32], deposits: &[Deposit]) -> [u8; 32] {
    deposits.iter().fold(chain, |chain, deposit| {
        let mut words = [[0u8; 32]; 5];
        words[0] = chain;
        words[1][28..].copy_from_slice(&deposit.to.get().to_be_bytes());
        words[2][24..].copy_from_slice(&deposit.amount.to_be_bytes());
        words[3] = field::to_bytes(&deposit.key.x());
        words[4] = field::to_bytes(&deposit.key.y());
        keccak256(words.as_flattened()).0
    })
}

/// Name, chunks in a blob, deposits, operations, fee recipient.
type Setting<'a> = (&'static str, usize, &'a [Deposit], &'a [SignedOperation], u32);

/// One chunk from the empty ledger; three chunks on top in one blob; the same three chunks in two blobs.
pub fn cases() -> Vec<Case> {
    let params = CircuitParams::PRODUCTION;
    let exit = L1Address([0xaa; 20]);
    let first_deposits = [deposit(1, 1_000_000), deposit(2, 500_000), deposit(3, 1)];
    let first = [pay(1, 2, 1_000, 10, 0), leave(2, exit, 250_000, 7, 0), pay(2, 3, 5, 1, 1)];
    let second_deposits: Vec<Deposit> =
        (0..9).map(|number| deposit(1 + number % 5, 100 + u64::from(number))).collect();
    let mut second: Vec<SignedOperation> =
        (0..10).map(|nonce| pay(1, 2 + nonce % 4, 10, nonce, nonce + 1)).collect();
    second.extend([leave(3, exit, 1, 0, 0), pay(2, 2, 1, 1, 2)]);

    let mut parent = State::empty(params.levels().unwrap());
    let mut cases = Vec::new();
    let mut chain = [0u8; 32];
    let settings: [Setting<'_>; 3] = [
        ("one chunk", 512, &first_deposits, &first, 3),
        ("three chunks in one blob", 512, &second_deposits, &second, 0),
        ("three chunks in two blobs", 2, &second_deposits, &second, 1),
    ];
    for (number, (name, chunks_per_blob, deposits, operations, fee_recipient)) in
        settings.into_iter().enumerate()
    {
        let layout = params.layout(chunks_per_blob).unwrap();
        let rules = BlockRules { domain: domain(), layout, fee_recipient: index(fee_recipient) };
        let mut state = parent.clone();
        let built = build(&mut state, rules, 3, deposits, operations).unwrap();
        assert_eq!(built.skipped, [], "{name}");
        let statement = BlockStatement {
            header_hash: keccak256(name).0,
            queue_hash: roll(chain, deposits),
            payee: L1Address([0x70 + number as u8; 20]),
        };
        cases.push(Case { name, block: built.block, statement, deposits_from: chain });
        if number == 0 {
            chain = statement.queue_hash;
            parent = state;
        }
    }
    cases
}

fn deposit_json(deposit: &Deposit) -> Value {
    json!({
        "index": deposit.to.get(),
        "amount": deposit.amount,
        "keyX": element(&deposit.key.x()),
        "keyY": element(&deposit.key.y()),
    })
}

/// A proven block, with its statement and the openings that claim its withdrawals.
pub fn proof_case(case: &Case, proof: &BlockProof) -> Value {
    let block = &case.block;
    let blobs = block.blobs();
    let withdrawals: Vec<Value> = block
        .withdrawals()
        .iter()
        .map(|pending| {
            let blob = &blobs[pending.position.blob];
            let [first, second] =
                [pending.element, pending.element + 1].map(|number| kzg::open_element(blob, number).unwrap());
            json!({
                "blob": pending.position.blob,
                "element": pending.element,
                "withdrawal": element(&first.value),
                "target": element(&second.value),
                "commitment": hex(kzg::commitment(blob).unwrap()),
                "withdrawalOpening": hex(first.proof),
                "targetOpening": hex(second.proof),
                "to": hex(pending.target.0),
                "amount": pending.amount,
            })
        })
        .collect();
    let hashes: Vec<String> =
        proof.openings.iter().map(|opening| hex(kzg::versioned_hash(&opening.commitment))).collect();
    let deposits: Vec<Value> = block.deposits().map(deposit_json).collect();
    json!({
        "name": case.name,
        "chunksPerBlob": block.rules.layout.chunks_per_blob(),
        "statement": {
            "headerHash": hex(case.statement.header_hash),
            "parentRoot": element(&block.parent_root()),
            "stateRoot": element(&block.state_root()),
            "chunks": block.chunks.len(),
            "blobHashes": hashes,
            "depositsFrom": hex(case.deposits_from),
            "depositsTo": hex(case.statement.queue_hash),
            "depositCount": deposits.len(),
            "feeRecipient": block.rules.fee_recipient.get(),
            "payee": hex(case.statement.payee.0),
            "domain": element(&block.rules.domain.element()),
        },
        "deposits": deposits,
        "z": element(&challenge(block, &case.statement)),
        "proof": hex(proof.abi_encode()),
        "withdrawals": withdrawals,
    })
}
