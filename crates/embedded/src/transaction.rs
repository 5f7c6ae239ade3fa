//! Transactions: as a block holds them, as revm takes them, and those that nobody signed.
//!
//! A block holds signed transactions only. One of an impersonated account, or of a simulated call, carries a
//! signature that no key can make: the sender's address in place of `r`, and 1 in place of `s`. It marks the
//! transaction, and keeps its hash distinct.

use alloy::{
    consensus::{
        EthereumTxEnvelope, EthereumTypedTransaction, Transaction as _, TxEip1559, TxEip2930, TxEip4844,
        TxEip7702, TxLegacy, transaction::Recovered,
    },
    primitives::{Address, B256, Signature, TxKind, U256},
};
use revm::{context::TxEnv, context_interface::either::Either};

/// A transaction as it stands in a block, without its blobs.
pub type Transaction = EthereumTxEnvelope<TxEip4844>;

/// A signed transaction as revm takes it.
pub(crate) fn tx_env(tx: &Recovered<Transaction>) -> TxEnv {
    TxEnv {
        tx_type: tx.tx_type() as u8,
        caller: tx.signer(),
        gas_limit: tx.gas_limit(),
        gas_price: tx.max_fee_per_gas(),
        kind: tx.kind(),
        value: tx.value(),
        data: tx.input().clone(),
        nonce: tx.nonce(),
        chain_id: tx.chain_id(),
        access_list: tx.access_list().cloned().unwrap_or_default(),
        gas_priority_fee: tx.max_priority_fee_per_gas(),
        blob_hashes: tx.blob_versioned_hashes().map(<[B256]>::to_vec).unwrap_or_default(),
        max_fee_per_blob_gas: tx.max_fee_per_blob_gas().unwrap_or_default(),
        authorization_list: tx
            .authorization_list()
            .map(|list| list.iter().cloned().map(Either::Left).collect())
            .unwrap_or_default(),
    }
}

/// The transaction without a signature.
pub(crate) type Unsigned = EthereumTypedTransaction<TxEip4844>;

/// The transaction that revm's form stands for; `None` where the type and the other fields don't go together.
pub(crate) fn typed(tx: &TxEnv) -> Option<Unsigned> {
    let (chain_id, nonce, gas_limit) = (tx.chain_id?, tx.nonce, tx.gas_limit);
    let (to, value, input, access_list) = (tx.kind, tx.value, tx.data.clone(), tx.access_list.clone());
    let (max_fee_per_gas, tip) = (tx.gas_price, tx.gas_priority_fee.unwrap_or_default());
    Some(match tx.tx_type {
        0 => Unsigned::Legacy(TxLegacy {
            chain_id: Some(chain_id),
            nonce,
            gas_price: tx.gas_price,
            gas_limit,
            to,
            value,
            input,
        }),
        1 => Unsigned::Eip2930(TxEip2930 {
            chain_id,
            nonce,
            gas_price: tx.gas_price,
            gas_limit,
            to,
            value,
            access_list,
            input,
        }),
        2 => Unsigned::Eip1559(TxEip1559 {
            chain_id,
            nonce,
            gas_limit,
            max_fee_per_gas,
            max_priority_fee_per_gas: tip,
            to,
            value,
            access_list,
            input,
        }),
        3 => Unsigned::Eip4844(TxEip4844 {
            chain_id,
            nonce,
            gas_limit,
            max_fee_per_gas,
            max_priority_fee_per_gas: tip,
            to: called(to)?,
            value,
            access_list,
            blob_versioned_hashes: tx.blob_hashes.clone(),
            max_fee_per_blob_gas: tx.max_fee_per_blob_gas,
            input,
        }),
        4 => Unsigned::Eip7702(TxEip7702 {
            chain_id,
            nonce,
            gas_limit,
            max_fee_per_gas,
            max_priority_fee_per_gas: tip,
            to: called(to)?,
            value,
            access_list,
            authorization_list: tx
                .authorization_list
                .iter()
                .filter_map(|authorization| match authorization {
                    Either::Left(signed) => Some(signed.clone()),
                    Either::Right(_) => None,
                })
                .collect(),
            input,
        }),
        _ => return None,
    })
}

fn called(to: TxKind) -> Option<Address> {
    to.to().copied()
}

/// The signature that stands for an account whose key isn't there.
fn signature(sender: Address) -> Signature {
    Signature::new(U256::from_be_bytes(sender.into_word().0), U256::ONE, false)
}

/// The transaction in the name of a sender who didn't sign it.
pub(crate) fn in_the_name_of(sender: Address, tx: Unsigned) -> Recovered<Transaction> {
    Recovered::new_unchecked(tx.into_envelope(signature(sender)), sender)
}

/// Whether nobody signed the transaction.
pub(crate) fn is_unsigned(tx: &Recovered<Transaction>) -> bool {
    *tx.signature() == signature(tx.signer())
}

#[cfg(test)]
mod tests {
    use alloy::consensus::transaction::SignerRecoverable as _;

    use super::*;

    #[test]
    fn no_key_signs_in_the_name_of_another() {
        let sender = Address::repeat_byte(0x42);
        let tx = TxEnv { chain_id: Some(1), tx_type: 2, gas_priority_fee: Some(0), ..TxEnv::default() };
        let transaction = in_the_name_of(sender, typed(&tx).expect("a transaction"));
        assert!(is_unsigned(&transaction));
        let recovered = transaction.inner().recover_signer();
        assert!(recovered.is_err() || recovered.is_ok_and(|signer| signer != sender));
        let other = in_the_name_of(Address::ZERO, typed(&tx).expect("a transaction"));
        assert_ne!(transaction.hash(), other.hash());
    }
}
