//! The node as alloy's provider sees it, in this process and over HTTP.

mod common;

use std::net::{Ipv4Addr, SocketAddr};

use alloy::{
    consensus::{BlobTransactionSidecar, SidecarBuilder, SimpleCoder},
    eips::{
        BlockId, BlockNumberOrTag,
        eip2935::HISTORY_STORAGE_ADDRESS,
        eip4788::BEACON_ROOTS_ADDRESS,
        eip7594::{BlobTransactionSidecarEip7594, BlobTransactionSidecarVariant},
    },
    network::{TransactionBuilder, TransactionBuilder4844},
    primitives::{Address, B256, Bytes, U256},
    providers::{Provider, ProviderBuilder},
    rpc::types::{Filter, TransactionRequest},
};
use common::{evaluate, instant, manual, signer, store_and_log, wallet, word};
use fernet_embedded::{Node, Reorg};

fn loopback() -> SocketAddr {
    (Ipv4Addr::LOCALHOST, 0).into()
}

/// Deploys, calls, reads logs, receipts, storage and reverts.
async fn contract_round(provider: impl Provider) {
    let request = TransactionRequest::default().with_deploy_code(store_and_log());
    let receipt = provider.send_transaction(request).await.expect("sent").get_receipt().await.expect("mined");
    assert!(receipt.status());
    let contract = receipt.contract_address.expect("a contract");
    assert!(!provider.get_code_at(contract).await.expect("code").is_empty());

    let request = TransactionRequest::default().to(contract).input(word(7).to_vec().into());
    let receipt = provider.send_transaction(request).await.expect("sent").get_receipt().await.expect("mined");
    assert!(receipt.status());
    assert_eq!(receipt.inner.logs().len(), 1);
    let filter = Filter::new().address(contract).event_signature(B256::from(word(0x2a))).from_block(0);
    let logs = provider.get_logs(&filter).await.expect("logs");
    assert_eq!(logs, receipt.inner.logs());
    assert_eq!(logs[0].data().data.as_ref(), word(7));
    let none = filter.clone().event_signature(B256::from(word(0x2b)));
    assert!(provider.get_logs(&none).await.expect("logs").is_empty());
    let at_hash = Filter::new().at_block_hash(receipt.block_hash.expect("mined")).address(contract);
    assert_eq!(provider.get_logs(&at_hash).await.expect("logs").len(), 1);

    let slot = provider.get_storage_at(contract, U256::ZERO).await.expect("storage");
    assert_eq!(slot, U256::from(7));
    let read = TransactionRequest::default().to(contract);
    assert_eq!(provider.call(read.clone()).await.expect("called").as_ref(), word(7));
    // before the store
    let earlier = BlockId::number(receipt.block_number.expect("mined") - 1);
    assert_eq!(provider.call(read).block(earlier).await.expect("called").as_ref(), word(0));

    let revert = TransactionRequest::default().to(contract).input([word(1), word(9)].concat().into());
    let error = provider.call(revert.clone()).await.expect_err("reverts");
    let payload = error.as_error_resp().expect("an answer");
    assert_eq!((payload.code, payload.message.as_ref()), (3, "execution reverted"));
    assert_eq!(payload.as_revert_data().expect("data").as_ref(), word(9));
    let error = provider.estimate_gas(revert).await.expect_err("reverts");
    assert_eq!(error.as_error_resp().expect("an answer").code, 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn contract_in_process() {
    contract_round(wallet(&instant(), 0)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn contract_over_http() {
    let server = instant().serve(loopback()).await.expect("bound");
    let provider =
        ProviderBuilder::new().wallet(signer(0)).connect_http(server.url().parse().expect("a URL"));
    contract_round(provider).await;
    server.stop().await;
}

#[tokio::test]
async fn headers_hash_to_their_rlp() {
    let node = instant();
    let provider = wallet(&node, 0);
    let request = TransactionRequest::default().to(Address::repeat_byte(1)).value(U256::from(5));
    let sent = provider.send_transaction(request).await.expect("sent").get_receipt().await.expect("mined");
    for number in 0..=1 {
        let block = provider.get_block_by_number(number.into()).full().await.expect("answer").expect("block");
        assert_eq!(block.header.inner.hash_slow(), block.header.hash, "block {number}");
        let block = block.map_transactions(|transaction| transaction.inner.into_inner());
        assert_eq!(block.calculate_transactions_root(), Some(block.header.transactions_root));
    }
    let receipts = provider.get_block_receipts(1.into()).await.expect("answer").expect("receipts");
    assert_eq!(receipts, [sent]);
    let head = provider.get_block(BlockId::latest()).await.expect("answer").expect("block");
    assert_eq!(head.header.timestamp, node.head().timestamp);
    assert_eq!(
        head.header.parent_hash,
        provider.get_block(0.into()).await.expect("answer").expect("block").header.hash
    );
}

async fn evaluated(provider: &impl Provider, opcodes: &[u8]) -> U256 {
    let output =
        provider.call(TransactionRequest::default().with_deploy_code(evaluate(opcodes))).latest().await;
    U256::from_be_slice(&output.expect("called"))
}

#[tokio::test]
async fn the_evm_sees_randao_and_old_block_hashes() {
    let node = manual();
    let provider = wallet(&node, 0);
    let mix = B256::repeat_byte(0xab);
    node.set_prevrandao(300, mix).expect("ahead");
    for _ in 0..300 {
        node.mine_slot();
    }
    assert_eq!(evaluated(&provider, &[0x44]).await, U256::from_be_bytes(mix.0));
    let hash = |number: u64| node.read(|chain| chain.block(number).expect("a block").hash);
    // BLOCKHASH(299), one of 256; not of older ones
    assert_eq!(evaluated(&provider, &[0x61, 0x01, 0x2b, 0x40]).await, U256::from_be_bytes(hash(299).0));
    assert_eq!(evaluated(&provider, &[0x61, 0x00, 0x2c, 0x40]).await, U256::from_be_bytes(hash(44).0));
    assert_eq!(evaluated(&provider, &[0x61, 0x00, 0x2b, 0x40]).await, U256::ZERO);
    // the history contract reaches further (EIP-2935)
    for number in [0u64, 43, 299] {
        let call =
            TransactionRequest::default().to(HISTORY_STORAGE_ADDRESS).input(word(number).to_vec().into());
        assert_eq!(provider.call(call).await.expect("called").as_ref(), hash(number).as_slice());
    }
    let future = TransactionRequest::default().to(HISTORY_STORAGE_ADDRESS).input(word(300).to_vec().into());
    provider.call(future.clone()).latest().await.expect_err("block 300 has no descendant");
    // but in the pending block, which a simulated transaction would be in
    assert_eq!(provider.call(future).await.expect("called").as_ref(), hash(300).as_slice());
    // the parent's beacon root under this block's timestamp (EIP-4788)
    let (timestamp, root) = node.read(|chain| {
        let header = &chain.head().header;
        (header.timestamp, header.parent_beacon_block_root.expect("a root"))
    });
    let call = TransactionRequest::default().to(BEACON_ROOTS_ADDRESS).input(word(timestamp).to_vec().into());
    assert_eq!(provider.call(call).await.expect("called").as_ref(), root.as_slice());
}

#[tokio::test]
async fn the_pending_state_contains_the_pool() {
    let node = manual();
    let provider = wallet(&node, 0);
    let to = Address::repeat_byte(1);
    for value in 1..=2u64 {
        let request = TransactionRequest::default().to(to).value(U256::from(value));
        let _ = provider.send_transaction(request).await.expect("sent");
        let pending = provider.get_balance(to).block_id(BlockId::pending()).await.expect("a balance");
        assert_eq!(pending, U256::from(value * (value + 1) / 2));
    }
    assert_eq!(provider.get_balance(to).await.expect("a balance"), U256::ZERO);
    node.mine_slot();
    assert_eq!(provider.get_balance(to).await.expect("a balance"), U256::from(3));
}

#[tokio::test]
async fn precompiles_of_the_current_fork() {
    let provider = wallet(&manual(), 0);
    let call = |address: u64, input: Vec<u8>| {
        let to = Address::left_padding_from(&address.to_be_bytes());
        provider.call(TransactionRequest::default().to(to).input(input.into()))
    };
    // EIP-2537: the sum of two points at infinity is infinity
    assert_eq!(call(0x0b, vec![0; 256]).await.expect("called").as_ref(), [0; 128]);
    // an empty pairing product isn't accepted, one of infinities is one
    call(0x0f, Vec::new()).await.expect_err("empty input");
    assert_eq!(call(0x0f, vec![0; 384]).await.expect("called").as_ref(), word(1));
    // EIP-7951: no signature is valid for a zero key, and that is no error
    assert!(call(0x100, vec![0; 160]).await.expect("called").is_empty());
    // EIP-7939: CLZ(1) = 255
    assert_eq!(evaluated(&provider, &[0x60, 0x01, 0x1e]).await, U256::from(255));
}

fn blob_request(sidecar: BlobTransactionSidecarVariant, to: Address) -> TransactionRequest {
    TransactionRequest::default()
        .to(to)
        .with_blob_sidecar(sidecar)
        .max_fee_per_blob_gas(1_000_000_000)
        .gas_limit(100_000)
}

#[tokio::test(flavor = "multi_thread")]
async fn blobs_of_both_kinds() {
    let node = instant();
    let provider = wallet(&node, 0);
    let coder = SidecarBuilder::<SimpleCoder>::from_slice(b"three blind mice");
    let old: BlobTransactionSidecar = coder.clone().build().expect("a sidecar");
    let new: BlobTransactionSidecarEip7594 = coder.build().expect("a sidecar");
    let expected = old.blobs[0];
    let versioned_hash = old.versioned_hashes().next().expect("a blob");
    let before = provider.get_blob_base_fee().await.expect("a fee");
    assert_eq!(before, 1);
    for sidecar in [BlobTransactionSidecarVariant::from(old), BlobTransactionSidecarVariant::from(new)] {
        // the point evaluation precompile proves the blob's first element; here it only has to be reachable
        let request = blob_request(sidecar, Address::repeat_byte(3));
        let sent = provider.send_transaction(request).await.expect("sent");
        let receipt = sent.get_receipt().await.expect("mined");
        assert!(receipt.status());
        assert_eq!((receipt.blob_gas_used, receipt.blob_gas_price), (Some(131_072), Some(1)));
        let header = provider.get_block(BlockId::latest()).await.expect("answer").expect("block").header;
        assert_eq!(header.blob_gas_used, Some(131_072));
        let mined =
            provider.get_transaction_by_hash(receipt.transaction_hash).await.expect("answer").expect("there");
        assert!(mined.inner.as_eip4844().is_some());
    }
    let served: serde_json::Value = provider
        .raw_request("fernet_getBlobs".into(), (vec![versioned_hash, B256::ZERO],))
        .await
        .expect("blobs");
    let blob: Bytes = serde_json::from_value(served[0]["blob"].clone()).expect("a blob");
    assert_eq!(blob.as_ref(), expected.as_slice());
    assert!(served[1].is_null());

    // and over the beacon API, by slot, tag and root
    let server = node.serve(loopback()).await.expect("bound");
    let (head, root) = (node.head(), node.read(|chain| chain.head().beacon_root));
    for id in [head.slot.to_string(), "head".into(), root.to_string(), head.hash.to_string()] {
        for query in ["", &format!("?versioned_hashes={versioned_hash}")] {
            let url = format!("{}/eth/v1/beacon/blobs/{id}{query}", server.url());
            let answer: serde_json::Value = get(&url).await.expect("JSON");
            let blob: Bytes = serde_json::from_value(answer["data"][0].clone()).expect("a blob");
            assert_eq!(blob.as_ref(), expected.as_slice(), "{url}");
        }
    }
    let other = format!("{}/eth/v1/beacon/blobs/head?versioned_hashes={}", server.url(), B256::ZERO);
    assert_eq!(get(&other).await.expect("JSON")["data"].as_array().map(Vec::len), Some(0));
    let missing = get(&format!("{}/eth/v1/beacon/blobs/777", server.url())).await.expect("JSON");
    assert_eq!(missing["code"], 404);
    let spec = get(&format!("{}/eth/v1/config/spec", server.url())).await.expect("JSON");
    assert_eq!(spec["data"]["SECONDS_PER_SLOT"], "12");
    let genesis = get(&format!("{}/eth/v1/beacon/genesis", server.url())).await.expect("JSON");
    assert_eq!(genesis["data"]["genesis_time"], "1767225600");
}

async fn get(url: &str) -> reqwest::Result<serde_json::Value> {
    reqwest::get(url).await?.json().await
}

#[tokio::test]
async fn a_reorg_takes_a_transaction_back_into_the_pool() {
    let node = manual();
    let provider = wallet(&node, 0);
    let request = TransactionRequest::default().to(Address::repeat_byte(1)).value(U256::from(5));
    let hash = *provider.send_transaction(request).await.expect("sent").tx_hash();
    node.mine_slot();
    node.mine_slot();
    let before = provider.get_transaction_receipt(hash).await.expect("answer").expect("mined");
    let outcome = node.reorg(Reorg { depth: 2, refill: true, ..Reorg::default() }).expect("possible");
    assert_eq!((outcome.removed.len(), outcome.added.len()), (2, 2));
    assert_eq!(provider.get_block_number().await.expect("a number"), 2);
    assert!(provider.get_transaction_receipt(hash).await.expect("answer").is_none());
    let pooled = provider.get_transaction_by_hash(hash).await.expect("answer").expect("pooled");
    assert_eq!(pooled.block_hash, None);
    // the removed block can still be read by its hash
    let orphan = provider.get_block_by_hash(before.block_hash.expect("mined")).await.expect("answer");
    assert_eq!(orphan.expect("there").header.number, 1);
    node.mine_slot();
    let after = provider.get_transaction_receipt(hash).await.expect("answer").expect("mined again");
    assert_eq!(after.block_number, Some(3));
    assert_ne!(after.block_hash, before.block_hash);
    assert_eq!(provider.get_balance(Address::repeat_byte(1)).await.expect("a balance"), U256::from(5));
}

#[tokio::test]
async fn filters_follow_a_reorg() {
    let node = instant();
    let provider = wallet(&node, 0);
    let deploy = TransactionRequest::default().with_deploy_code(store_and_log());
    let receipt = provider.send_transaction(deploy).await.expect("sent").get_receipt().await.expect("mined");
    let contract = receipt.contract_address.expect("a contract");
    let logs = provider.new_filter(&Filter::new().address(contract)).await.expect("a filter");
    let blocks = provider.new_block_filter().await.expect("a filter");
    let store = TransactionRequest::default().to(contract).input(word(1).to_vec().into());
    provider.send_transaction(store).await.expect("sent").get_receipt().await.expect("mined");
    let found: Vec<alloy::rpc::types::Log> = provider.get_filter_changes(logs).await.expect("changes");
    assert_eq!(found.iter().map(|log| log.removed).collect::<Vec<_>>(), [false]);
    let came: Vec<B256> = provider.get_filter_changes(blocks).await.expect("changes");
    assert_eq!(came, [node.head().hash]);
    node.reorg(Reorg { depth: 1, ..Reorg::default() }).expect("possible");
    node.mine_slot();
    let found: Vec<alloy::rpc::types::Log> = provider.get_filter_changes(logs).await.expect("changes");
    assert_eq!(found.iter().map(|log| log.removed).collect::<Vec<_>>(), [true, false]);
    assert_ne!(found[0].block_hash, found[1].block_hash);
    let came: Vec<B256> = provider.get_filter_changes(blocks).await.expect("changes");
    assert_eq!(came, [node.head().hash]);
    assert!(provider.uninstall_filter(logs).await.expect("answer"));
    provider.get_filter_changes::<alloy::rpc::types::Log>(logs).await.expect_err("gone");
}

#[tokio::test]
async fn account_proofs_verify_against_the_header() {
    use alloy::{
        primitives::keccak256,
        trie::{Nibbles, TrieAccount, proof::verify_proof},
    };
    let node = instant();
    let provider = wallet(&node, 0);
    let deploy = TransactionRequest::default().with_deploy_code(store_and_log());
    let receipt = provider.send_transaction(deploy).await.expect("sent").get_receipt().await.expect("mined");
    let contract = receipt.contract_address.expect("a contract");
    let store = TransactionRequest::default().to(contract).input(word(513).to_vec().into());
    provider.send_transaction(store).await.expect("sent").get_receipt().await.expect("mined");
    let proof = provider.get_proof(contract, vec![B256::ZERO]).await.expect("a proof");
    let head = provider.get_block(BlockId::latest()).await.expect("answer").expect("block").header;
    let account = TrieAccount::new(proof.nonce, proof.balance, proof.storage_hash, proof.code_hash);
    let leaf = alloy::rlp::encode(account);
    verify_proof(head.state_root, Nibbles::unpack(keccak256(contract)), Some(leaf), &proof.account_proof)
        .expect("the account is in the state");
    let slot = &proof.storage_proof[0];
    assert_eq!(slot.value, U256::from(513));
    let leaf = alloy::rlp::encode(slot.value);
    verify_proof(proof.storage_hash, Nibbles::unpack(keccak256(B256::ZERO)), Some(leaf), &slot.proof)
        .expect("the slot is in the account");
}

#[tokio::test]
async fn estimates_suffice_and_fees_are_told() {
    let node = instant();
    let provider = wallet(&node, 0);
    let transfer = TransactionRequest::default().to(Address::repeat_byte(1)).value(U256::from(1));
    assert_eq!(provider.estimate_gas(transfer).await.expect("an estimate"), 21_000);
    let deploy = TransactionRequest::default().with_deploy_code(store_and_log());
    let gas = provider.estimate_gas(deploy.clone()).await.expect("an estimate");
    let receipt =
        provider.send_transaction(deploy.with_gas_limit(gas)).await.expect("sent").get_receipt().await;
    let receipt = receipt.expect("mined");
    assert!(receipt.status() && receipt.gas_used <= gas);
    let history =
        provider.get_fee_history(10, BlockNumberOrTag::Latest, &[25.0, 75.0]).await.expect("a history");
    assert_eq!(history.base_fee_per_gas.len(), 3);
    assert_eq!(history.reward.expect("rewards").len(), 2);
    assert_eq!(history.base_fee_per_blob_gas, [1, 1, 1]);
    let poor =
        TransactionRequest::default().from(Address::repeat_byte(9)).to(Address::ZERO).value(U256::from(1));
    let error = provider.call(poor).await.expect_err("no funds");
    assert!(error.to_string().contains("insufficient funds for gas * price + value"), "{error}");
}

#[tokio::test]
async fn receivers_of_ticks_stop_the_clock() {
    use fernet_embedded::{ChainConfig, Clock, NodeConfig};
    use std::time::Duration;
    let node = Node::start(NodeConfig {
        chain: ChainConfig::dev(),
        clock: Clock::Fast(Duration::ZERO),
        mine_on_transaction: false,
    })
    .expect("a node");
    let mut ticks = node.ticks();
    for _ in 0..50 {
        let tick = ticks.next().await.expect("a tick");
        let slot = tick.slot;
        // whatever takes time here, no slot passes
        tokio::time::sleep(Duration::from_millis(2)).await;
        assert_eq!(node.read(|chain| chain.slot()), slot);
        assert_eq!(node.head(), tick.head);
        assert!(ticks.try_next().is_none());
    }
}
