//! Headers, quotes, the Bridge's queue and what follows from a rollup's identity.

use crate::support::{Random, Table};
use alloy_primitives::{Address, B256, U256};
use fernet_protocol::{
    ChainId, Deposit, Exit, Header, L1Operation, L1Slot, Price, Quote, RollupId, SequencerId, Slot,
    verify_signature,
};
use k256::ecdsa::SigningKey;

pub(crate) fn headers() -> Table {
    let mut random = Random::new(6);
    let mut table = Table::default();
    for case in 0..32_u64 {
        let blobs = usize::try_from(case % 17).expect("small");
        let extreme = case == 31;
        let end = |random: &mut Random| if extreme { u64::MAX } else { random.next() >> case };
        let header = Header {
            slot: Slot::new(end(&mut random)),
            parent: random.word(),
            state_root: random.word(),
            deposits_end: end(&mut random),
            deposits_chain: if case % 2 == 0 { random.word() } else { B256::ZERO },
            exits_end: end(&mut random),
            exits_chain: if case % 5 == 0 { random.word() } else { B256::ZERO },
            fee_recipient: if extreme {
                u32::MAX
            } else {
                u32::try_from(random.next() >> 32).expect("32 bits")
            },
            chunks: if extreme { u32::MAX } else { u32::try_from(random.within(1, 64)).expect("small") },
            committee_digest: if case % 3 == 0 { random.word() } else { B256::ZERO },
            vote: if case % 4 == 0 { Address::from_word(random.word()) } else { Address::ZERO },
            blob_hashes: (0..blobs).map(|_| random.word()).collect(),
        };
        table.put("slot", header.slot.get());
        table.put("parent", header.parent);
        table.put("stateRoot", header.state_root);
        table.put("depositsEnd", header.deposits_end);
        table.put("depositsChain", header.deposits_chain);
        table.put("exitsEnd", header.exits_end);
        table.put("exitsChain", header.exits_chain);
        table.put("feeRecipient", header.fee_recipient);
        table.put("chunks", header.chunks);
        table.put("committeeDigest", header.committee_digest);
        table.put("vote", header.vote);
        table.put("blobs", blobs);
        for hash in &header.blob_hashes {
            table.put("blobHashes", *hash);
        }
        assert_eq!(Header::decode(&header.encode()).as_ref(), Ok(&header));
        table.put("encoded", header.encode());
        table.put("hash", header.hash());
    }
    table
}

pub(crate) fn quotes() -> Table {
    let mut random = Random::new(7);
    let mut table = Table::default();
    for case in 0..32_u64 {
        let key =
            SigningKey::from_slice(random.word().as_slice()).expect("below the order but for one in 2^127");
        let signer = Address::from_private_key(&key);
        let rollup =
            RollupId::new(ChainId::new(if case < 8 { 31_337 } else { random.next() >> 1 }), random.address());
        let quote = Quote {
            slot: Slot::new(random.next() >> (case % 64)),
            header_hash: random.word(),
            sequencer: SequencerId::new(u32::try_from(random.next() >> 32).expect("32 bits")),
            prover: signer,
            payee: random.address(),
            bond: random.amount(u128::MAX >> (case % 64) >> 1),
            price: match case {
                0 => Price::ZERO,
                1 => Price::new(-1),
                2 => Price::new(i128::MIN),
                3 => Price::new(i128::MAX),
                _ => random.price(Price::MIN_96, Price::MAX_96),
            },
            valid_until: L1Slot::new(random.next() >> (case % 64)),
        };
        let digest = quote.digest(&rollup);
        let (signature, recovery) = key.sign_prehash_recoverable(digest.as_slice()).expect("signs");
        let mut bytes = signature.to_bytes().to_vec();
        bytes.push(27 + recovery.to_byte());
        verify_signature(digest, &bytes, signer).expect("its own signature");
        table.put("chainId", rollup.chain_id.get());
        table.put("rollup", rollup.address);
        table.put("slot", quote.slot.get());
        table.put("headerHash", quote.header_hash);
        table.put("sequencer", quote.sequencer.get());
        table.put("prover", quote.prover);
        table.put("payee", quote.payee);
        table.put("bond", quote.bond.get());
        table.put("price", quote.price);
        table.put("validUntil", quote.valid_until.get());
        table.put("separator", rollup.eip712_separator());
        table.put("structHash", quote.struct_hash());
        table.put("digest", digest);
        table.put("privateKey", U256::from_be_slice(&key.to_bytes()));
        table.put("signature", bytes);
    }
    table
}

pub(crate) fn queue() -> Table {
    let mut random = Random::new(8);
    let mut table = Table::default();
    let mut chains = [B256::ZERO; 2];
    for case in 0..24_u64 {
        let index = if case == 23 { u32::MAX } else { u32::try_from(1 + case % 9).expect("small") };
        let amount = if case == 23 { u64::MAX } else { random.next() >> (case % 64) };
        let (key_x, key_y) = (random.word().into(), random.word().into());
        let to = random.address();
        let is_exit = case % 3 == 1;
        let operation = if is_exit {
            L1Operation::Exit(Exit { index, to })
        } else {
            L1Operation::Deposit(Deposit { index, amount, key_x, key_y })
        };
        let lane = operation.lane().number();
        let chain = &mut chains[usize::from(lane)];
        *chain = operation.chain(*chain);
        let [head, x, y] = operation.words();
        table.put("exit", lane);
        table.put("index", index);
        table.put("amount", if is_exit { 0 } else { amount });
        table.put("to", if is_exit { to } else { Address::ZERO });
        table.put("head", head);
        table.put("x", x);
        table.put("y", y);
        table.put("chain", *chain);
    }
    table
}

pub(crate) fn domain() -> Table {
    let mut random = Random::new(9);
    let mut table = Table::default();
    for chain_id in [1, 31_337, 11_155_111, 560_048, u64::MAX >> 1].into_iter().chain((0..11).map(|i| 1 << i))
    {
        let rollup = RollupId::new(ChainId::new(chain_id), random.address());
        table.put("chainId", chain_id);
        table.put("rollup", rollup.address);
        table.put("domain", rollup.domain());
        table.put("genesisHash", rollup.genesis_hash());
        table.put("separator", rollup.eip712_separator());
    }
    table
}
