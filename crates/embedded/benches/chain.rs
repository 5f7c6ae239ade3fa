//! How fast the chain goes: blocks per second, empty and with transfers, and what a blob costs to check.

use std::hint::black_box;

use alloy::{
    consensus::{
        BlobTransactionSidecar, SidecarBuilder, SignableTransaction, SimpleCoder, TxEip1559, TxEip4844,
        TxEip4844WithSidecar, TxEnvelope,
    },
    eips::{Encodable2718, eip7594::BlobTransactionSidecarVariant},
    network::TxSignerSync,
    primitives::{Address, Bytes, TxKind, U256},
    signers::local::PrivateKeySigner,
};
use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use fernet_embedded::{Chain, ChainConfig};

fn signer() -> PrivateKeySigner {
    "ac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80".parse().expect("a key")
}

fn chain() -> Chain {
    Chain::new(ChainConfig::dev()).expect("a chain")
}

fn submit_all(chain: &mut Chain, raws: &[Vec<u8>]) {
    for raw in raws {
        chain.submit(raw).expect("accepted");
    }
}

fn transfer(signer: &PrivateKeySigner, nonce: u64) -> Vec<u8> {
    let mut tx = TxEip1559 {
        chain_id: 31337,
        nonce,
        gas_limit: 21_000,
        max_fee_per_gas: 10_000_000_000,
        max_priority_fee_per_gas: 1,
        to: TxKind::Call(Address::left_padding_from(&nonce.to_be_bytes())),
        value: U256::from(1),
        access_list: Default::default(),
        input: Bytes::new(),
    };
    let signature = signer.sign_transaction_sync(&mut tx).expect("a signature");
    TxEnvelope::from(tx.into_signed(signature)).encoded_2718()
}

fn blob(signer: &PrivateKeySigner, sidecar: BlobTransactionSidecarVariant) -> Vec<u8> {
    let tx = TxEip4844 {
        chain_id: 31337,
        gas_limit: 21_000,
        max_fee_per_gas: 10_000_000_000,
        max_fee_per_blob_gas: 1,
        blob_versioned_hashes: sidecar.versioned_hashes().collect(),
        ..TxEip4844::default()
    };
    let mut tx = TxEip4844WithSidecar { tx, sidecar };
    let signature = signer.sign_transaction_sync(&mut tx).expect("a signature");
    TxEnvelope::from(tx.into_signed(signature)).encoded_2718()
}

fn blocks(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("blocks");
    group.throughput(Throughput::Elements(1));
    let mut empty = chain();
    group.bench_function("empty", |bench| bench.iter(|| black_box(empty.mine_slot())));
    group.finish();

    let signer = signer();
    let mut group = criterion.benchmark_group("transfers");
    group.throughput(Throughput::Elements(100)).sample_size(20);
    let raws: Vec<_> = (0..100).map(|nonce| transfer(&signer, nonce)).collect();
    group.bench_function("submit 100", |bench| {
        bench.iter_batched_ref(chain, |chain| submit_all(chain, &raws), BatchSize::SmallInput);
    });
    let mut full = chain();
    submit_all(&mut full, &raws);
    group.bench_function("mine 100", |bench| {
        bench.iter_batched_ref(|| full.clone(), |chain| black_box(chain.mine_slot()), BatchSize::SmallInput);
    });
    group.finish();

    let mut group = criterion.benchmark_group("blobs");
    group.sample_size(10);
    let coder = SidecarBuilder::<SimpleCoder>::from_slice(&[7; 100_000]);
    let proven: BlobTransactionSidecar = coder.build().expect("a sidecar");
    assert_eq!(proven.blobs.len(), 1);
    let plain = BlobTransactionSidecarVariant::from(proven);
    let cells = plain.clone().try_convert_into_eip7594().expect("cell proofs");
    for (name, sidecar) in [("submit one, blob proof", plain), ("submit one, cell proofs", cells)] {
        let raw = blob(&signer, sidecar);
        group.bench_function(name, |bench| {
            bench.iter_batched_ref(
                chain,
                |chain| chain.submit(&raw).expect("accepted"),
                BatchSize::SmallInput,
            );
        });
    }
    group.finish();
}

criterion_group!(benches, blocks);
criterion_main!(benches);
