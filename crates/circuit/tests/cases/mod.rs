//! The cases of `vectors/`, shared by the example that writes them and the test that checks them.
#![allow(dead_code, unreachable_pub)] // each user takes a part

use std::collections::BTreeSet;

use alloy_primitives::{Address, keccak256};
use ark_ff::Field;
use fernet_circuit::{
    BlockProof, BlockStatement, CircuitHash, CircuitParams, VerifyingKey, digest::genesis_root, kzg,
    statement::challenge,
};
use fernet_ledger::{block::build, *};
use fernet_protocol::{ChainId, Lane, RollupId};
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
    Domain::from(RollupId::new(ChainId::new(31_337), Address::repeat_byte(0x11)))
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

fn exit(number: u32) -> Exit {
    Exit { from: index(number), target: Address::repeat_byte(0xee) }
}

fn pay(from: u32, to: u32, amount: u64, fee: u32, nonce: u32) -> SignedOperation {
    let transfer = Transfer { from: index(from), to: index(to), amount, fee, nonce };
    Operation::from(transfer).sign(domain(), &secret(from))
}

fn leave(from: u32, target: Address, amount: u64, fee: u32, nonce: u32) -> SignedOperation {
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
        "node": {
            "input": list(&numbers(4)),
            "output": element(&poseidon::node([0, 1, 2, 3].map(Fr::from))),
        },
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
        ("forced exit", Slot::Exit { from: index(1), amount: 3 }),
        ("target", Slot::Target(Address::new(std::array::from_fn(|i| i as u8 + 1)))),
        ("deposit", Slot::Deposit { to: index(2), amount: 3 }),
    ];
    let slots: Vec<Value> = slots
        .iter()
        .map(|(name, slot)| json!({ "name": name, "kind": slot.kind(), "element": element(&slot.pack()) }))
        .collect();
    let signed: Vec<Value> = [pay(1, 2, 3, 4, 5), leave(1, Address::repeat_byte(0xaa), 3, 4, 6)]
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
    json!({
        "chainId": 31_337,
        "rollup": hex([0x11; 20]),
        "domain": element(&domain().element()),
        "slots": slots,
        "signed": signed,
    })
}

/// Challenges, chunk challenges, commitments, shares and bindings.
pub fn challenge_cases() -> Value {
    let chunks: Vec<(Fr, Fr)> =
        (1..4u64).map(|number| (Fr::from(number).pow([88]), Fr::from(number).pow([99]))).collect();
    let payee = Address::repeat_byte(0x44);
    let recipients = statement::recipients(payee, index(55), FeeBurn::new(6_666).unwrap());
    let parent_root = Fr::from(3u64).pow([77]);
    let challenges: Vec<Value> = (1..=chunks.len())
        .map(|count| {
            let chunks = &chunks[..count];
            let challenged = statement::Challenged {
                header_hash: [0x22; 32],
                deposits_to: [0x33; 32],
                exits_to: [0x35; 32],
                domain: domain(),
                recipients,
                parent_root,
                chunks,
            };
            let (roots, commitments): (Vec<String>, Vec<String>) =
                chunks.iter().map(|(root, commitment)| (element(root), element(commitment))).unzip();
            json!({
                "headerHash": hex([0x22; 32]),
                "depositsTo": hex([0x33; 32]),
                "exitsTo": hex([0x35; 32]),
                "domain": element(&domain().element()),
                "recipients": element(&recipients),
                "parentRoot": element(&parent_root),
                "roots": roots,
                "commitments": commitments,
                "z": element(&statement::challenge(&challenged)),
            })
        })
        .collect();
    let layout = CircuitParams::PRODUCTION.layout(512).unwrap();
    let z = Fr::from(7u64).pow([12_345]);
    let elements: Vec<Fr> = (1..=8u64).map(|number| Fr::from(number).pow([7])).collect();
    let queue: [QueuedOperation; 3] = [deposit(1, 5).into(), exit(1).into(), deposit(2, u64::MAX).into()];
    let context = statement::ChunkContext {
        domain: domain(),
        recipients,
        root_before: parent_root,
        root_after: Fr::from(3u64).pow([78]),
    };
    let shares: Vec<Value> = [0usize, 1, 2, 3, 100, 511]
        .iter()
        .map(|position| {
            let chunk_z = statement::chunk_challenge(&layout, *position, z);
            json!({
                "position": position,
                "z": element(&chunk_z),
                "share": element(&statement::share(&layout, chunk_z, &elements)),
                "binding": element(&statement::binding(&context, chunk_z, &queue)),
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
        "queue": queue.iter().map(queued_json).collect::<Vec<_>>(),
        "context": context.to_array().iter().map(element).collect::<Vec<_>>(),
        "commitment": element(&statement::commitment(&context, &elements)),
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
    /// Rolling hashes of the lanes before the block; zero for a lane of which it consumes nothing.
    pub deposits_from: [u8; 32],
    pub exits_from: [u8; 32],
    /// Accounts before and after the block.
    pub before: Vec<Value>,
    pub after: Vec<Value>,
}

/// A lane's rolling hash after the operations of `lane`.
pub fn roll(chain: [u8; 32], lane: Lane, lanes: &Lanes) -> [u8; 32] {
    let deposits = lanes.deposits.iter().copied().map(QueuedOperation::from);
    let exits = lanes.exits.iter().copied().map(QueuedOperation::from);
    let operations = deposits.chain(exits).filter(|operation| operation.lane() == lane);
    operations.fold(chain, |chain, operation| {
        let [head, x, y] = operation.coefficients().map(|coefficient| field::to_bytes(&coefficient));
        keccak256([chain, head, x, y].as_flattened()).0
    })
}

/// Name, chunks in a blob, operations of L1, of users, fee recipient, basis points of the fees that burn.
type Setting<'a> = (&'static str, usize, &'a [QueuedOperation], &'a [SignedOperation], u32, u64);

/// One chunk from the empty ledger; four chunks on top in one blob; the same four chunks in two blobs. The
/// queue of the latter has deposits and forced exits.
pub fn cases() -> Vec<Case> {
    let params = CircuitParams::PRODUCTION;
    let outside = Address::repeat_byte(0xaa);
    let first_queue: [QueuedOperation; 3] =
        [deposit(1, 1_000_000).into(), deposit(2, 500_000).into(), deposit(3, 1).into()];
    let first = [pay(1, 2, 1_000, 10, 0), leave(2, outside, 250_000, 7, 0), pay(2, 3, 5, 1, 1)];
    let mut second_queue: Vec<QueuedOperation> =
        (0..9).map(|number| deposit(1 + number % 5, 100 + u64::from(number)).into()).collect();
    second_queue.extend([exit(2), exit(3), exit(1)].map(QueuedOperation::from));
    let mut second: Vec<SignedOperation> =
        (0..10).map(|nonce| pay(1, 2 + nonce % 4, 10, nonce, nonce + 1)).collect();
    second.extend([leave(3, outside, 1, 0, 0), pay(2, 2, 1, 1, 2)]);

    let mut parent = State::empty(params.levels().unwrap());
    let mut cases = Vec::new();
    // No block consumes forced exits before the last two, which follow the same parent.
    let (mut deposits, exits) = ([0u8; 32], [0u8; 32]);
    let settings: [Setting<'_>; 3] = [
        ("one chunk", 512, &first_queue, &first, 3, 2_500),
        ("four chunks in one blob", 512, &second_queue, &second, 0, 0),
        ("four chunks in two blobs", 2, &second_queue, &second, 1, 10_000),
    ];
    for (number, (name, chunks_per_blob, queue, operations, fee_recipient, fee_burn)) in
        settings.into_iter().enumerate()
    {
        let layout = params.layout(chunks_per_blob).unwrap();
        let fee_burn = FeeBurn::new(fee_burn).unwrap();
        let rules = BlockRules { domain: domain(), layout, fee_burn, fee_recipient: index(fee_recipient) };
        let mut state = parent.clone();
        let before = accounts(&state);
        let lanes: Lanes = queue.iter().copied().collect();
        let built = build(&mut state, rules, 4, &lanes, operations).unwrap();
        assert_eq!(built.skipped, [], "{name}");
        let statement = BlockStatement {
            header_hash: keccak256(name).0,
            deposits_to: roll(deposits, Lane::Deposits, &lanes),
            exits_to: if lanes.exits.is_empty() { [0; 32] } else { roll(exits, Lane::Exits, &lanes) },
            payee: Address::repeat_byte(0x70 + number as u8),
        };
        let after = accounts(&state);
        let block = built.block;
        cases.push(Case {
            name,
            block,
            statement,
            deposits_from: deposits,
            exits_from: exits,
            before,
            after,
        });
        if number == 0 {
            deposits = statement.deposits_to;
            parent = state;
        }
    }
    cases
}

/// Number of the last account of the cases.
const LAST_ACCOUNT: u32 = 5;

fn accounts<S: Store>(state: &State<S>) -> Vec<Value> {
    let known = |number| state.account(index(number)).map(|account| (number, account));
    (1..=LAST_ACCOUNT)
        .filter_map(known)
        .map(|(number, account)| {
            json!({
                "index": number,
                "keyX": element(&account.key.x()),
                "keyY": element(&account.key.y()),
                "balance": account.balance,
                "nonce": account.nonce,
            })
        })
        .collect()
}

/// A block's data, with the accounts before and after it and the secrets of those who sign.
pub fn block_case(case: &Case) -> Value {
    let chunks: Vec<Vec<String>> =
        case.block.chunks.iter().map(|chunk| chunk.elements().iter().map(element).collect()).collect();
    let signatures: Vec<String> =
        case.block.signatures().unwrap().iter().map(|signature| hex(signature.to_bytes())).collect();
    let signers: BTreeSet<u32> = case
        .block
        .chunks
        .iter()
        .flat_map(|chunk| &chunk.slots)
        .filter_map(|witness| match witness.slot {
            Slot::Transfer { from, .. } | Slot::Withdrawal { from, .. } => Some(from.get()),
            _ => None,
        })
        .collect();
    let secrets: Vec<Value> = signers
        .iter()
        .map(|number| json!({ "index": number, "secret": hex(secret(*number).to_bytes().as_slice()) }))
        .collect();
    json!({
        "name": case.name,
        "before": case.before,
        "secrets": secrets,
        "chunks": chunks,
        "signatures": signatures,
        "after": case.after,
    })
}

/// The blocks of [`cases`], as [`block_case`] has them.
pub fn block_cases() -> Value {
    json!({ "cases": cases().iter().map(block_case).collect::<Vec<_>>() })
}

/// An operation of the queue: its words, and their meaning.
fn queued_json(operation: &QueuedOperation) -> Value {
    let [head, x, y] = operation.coefficients().map(|coefficient| element(&coefficient));
    let (kind, amount, to) = match operation {
        QueuedOperation::Deposit(deposit) => ("deposit", deposit.amount, Address::ZERO),
        QueuedOperation::Exit(exit) => ("exit", 0, exit.target),
    };
    json!({
        "kind": kind,
        "index": operation.account().get(),
        "amount": amount,
        "to": hex(to.0),
        "head": head,
        "x": x,
        "y": y,
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
    let queue: Vec<Value> = block.queued().map(queued_json).collect();
    json!({
        "name": case.name,
        "chunksPerBlob": block.rules.layout.chunks_per_blob(),
        "feeBurnBps": block.rules.fee_burn.bps(),
        "statement": {
            "headerHash": hex(case.statement.header_hash),
            "parentRoot": element(&block.parent_root()),
            "stateRoot": element(&block.state_root()),
            "chunks": block.chunks.len(),
            "blobHashes": hashes,
            "depositsFrom": hex(case.deposits_from),
            "depositsTo": hex(case.statement.deposits_to),
            "exitsFrom": hex(case.exits_from),
            "exitsTo": hex(case.statement.exits_to),
            "operations": queue.len(),
            "feeRecipient": block.rules.fee_recipient.get(),
            "payee": hex(case.statement.payee.0),
            "domain": element(&block.rules.domain.element()),
        },
        "queue": queue,
        "z": element(&challenge(block, &case.statement)),
        "proof": hex(proof.abi_encode()),
        "withdrawalCount": withdrawals.len(),
        "withdrawals": withdrawals,
    })
}
