//! Contracts of a few bytes: test doubles of token and verifier, and payloads to vote for.

use alloy::primitives::{Address, B256, Bytes, U256, keccak256};
use alloy::sol_types::{SolCall, SolEvent};
use fernet_bindings::{IERC20, IStateTransitionVerifier};
use revm::bytecode::opcode::{
    ADD, AND, CALLDATACOPY, CALLDATALOAD, CALLDATASIZE, CALLER, CODECOPY, DUP1, DUP2, DUP3, EQ, INVALID,
    JUMP, JUMPDEST, JUMPI, KECCAK256, LOG3, LT, MSTORE, NUMBER, PUSH0, PUSH1, PUSH2, PUSH4, PUSH32, RETURN,
    REVERT, SHR, SLOAD, SSTORE, STOP, SUB,
};

/// An assembler with labels.
#[derive(Default)]
struct Assembler {
    code: Vec<u8>,
    /// Positions of labels.
    labels: Vec<(&'static str, usize)>,
    /// Positions at which a label's position must be written.
    jumps: Vec<(&'static str, usize)>,
}

impl Assembler {
    fn ops(mut self, ops: &[u8]) -> Self {
        self.code.extend_from_slice(ops);
        self
    }

    fn push1(self, byte: u8) -> Self {
        self.ops(&[PUSH1, byte])
    }

    fn push32(self, word: B256) -> Self {
        self.ops(&[PUSH32]).ops(word.as_slice())
    }

    fn push_label(mut self, label: &'static str) -> Self {
        self.code.push(PUSH2);
        self.jumps.push((label, self.code.len()));
        self.ops(&[0, 0])
    }

    fn jump_if(self, label: &'static str) -> Self {
        self.push_label(label).ops(&[JUMPI])
    }

    fn label(mut self, label: &'static str) -> Self {
        self.labels.push((label, self.code.len()));
        self.ops(&[JUMPDEST])
    }

    /// Pushes the selector onto the stack.
    fn selector(self) -> Self {
        self.ops(&[PUSH0, CALLDATALOAD]).push1(0xe0).ops(&[SHR])
    }

    /// Jumps to `label` if the selector on the stack is this one. The selector stays on the stack.
    fn on(self, selector: [u8; 4], label: &'static str) -> Self {
        self.ops(&[DUP1, PUSH4]).ops(&selector).ops(&[EQ]).jump_if(label)
    }

    fn argument(self, index: u8) -> Self {
        self.push1(4 + 32 * index).ops(&[CALLDATALOAD])
    }

    fn revert(self) -> Self {
        self.ops(&[PUSH0, PUSH0, REVERT])
    }

    fn return_top(self) -> Self {
        self.ops(&[PUSH0, MSTORE]).push1(32).ops(&[PUSH0, RETURN])
    }

    /// Returns the bytes at `label`; fewer than 2^16.
    fn return_data(self, label: &'static str, bytes: &[u8]) -> Self {
        let length = u16::try_from(bytes.len()).unwrap_or(u16::MAX).to_be_bytes();
        self.ops(&[PUSH2])
            .ops(&length)
            .push_label(label)
            .ops(&[PUSH0, CODECOPY, PUSH2])
            .ops(&length)
            .ops(&[PUSH0, RETURN])
    }

    /// Appends the bytes for [`Self::return_data`].
    fn data(mut self, label: &'static str, bytes: &[u8]) -> Self {
        self.labels.push((label, self.code.len()));
        self.ops(bytes)
    }

    fn bytes(mut self) -> Bytes {
        for (label, at) in &self.jumps {
            let target = self.labels.iter().find(|(name, _)| name == label).map_or(usize::MAX, |(_, to)| *to);
            self.code[*at..at + 2].copy_from_slice(&u16::try_from(target).unwrap_or(u16::MAX).to_be_bytes());
        }
        self.code.into()
    }
}

/// An ERC-20 token without allowances. The storage word at an account's address holds its balance. A transfer
/// beyond the balance reverts without data.
pub(crate) fn token() -> Bytes {
    Assembler::default()
        .selector()
        .on(IERC20::balanceOfCall::SELECTOR, "balance")
        .on(IERC20::transferCall::SELECTOR, "transfer")
        .on(IERC20::transferFromCall::SELECTOR, "from")
        .revert()
        .label("balance")
        .argument(0)
        .ops(&[SLOAD])
        .return_top()
        // amount, to, from
        .label("transfer")
        .argument(1)
        .argument(0)
        .ops(&[CALLER])
        .push_label("move")
        .ops(&[JUMP])
        .label("from")
        .argument(2)
        .argument(1)
        .argument(0)
        .label("move")
        // amount to from | balance < amount: no
        .ops(&[DUP3, DUP2, SLOAD, LT])
        .jump_if("short")
        // from's balance less the amount
        .ops(&[DUP3, DUP2, SLOAD, SUB, DUP2, SSTORE])
        // to's balance and the amount
        .ops(&[DUP3, DUP3, SLOAD, ADD, DUP3, SSTORE])
        // the event: data is the amount, topics are from and to
        .ops(&[DUP3, PUSH0, MSTORE])
        .ops(&[DUP2, DUP2])
        .push32(IERC20::Transfer::SIGNATURE_HASH)
        .push1(32)
        .ops(&[PUSH0, LOG3])
        .push1(1)
        .return_top()
        .label("short")
        .revert()
        .bytes()
}

/// A verifier that accepts `keccak256` of a statement's encoding as its proof. It refuses any other proof
/// with that hash.
pub(crate) fn verifier(chunks_per_blob: u64, genesis_root: B256) -> Bytes {
    Assembler::default()
        .selector()
        .on(IStateTransitionVerifier::chunksPerBlobCall::SELECTOR, "chunks")
        .on(IStateTransitionVerifier::genesisRootCall::SELECTOR, "root")
        // The statement lies between the two offsets (0x44, selector included) and the proof's length and
        // word.
        .push1(0x84)
        .ops(&[CALLDATASIZE, SUB, DUP1])
        .push1(0x44)
        .ops(&[PUSH0, CALLDATACOPY, PUSH0, KECCAK256, DUP1])
        .push1(0x20)
        .ops(&[CALLDATASIZE, SUB, CALLDATALOAD, EQ])
        .jump_if("good")
        .ops(&[PUSH0, MSTORE])
        .push1(32)
        .ops(&[PUSH0, REVERT])
        .label("good")
        .ops(&[STOP])
        .label("chunks")
        .push32(U256::from(chunks_per_blob).into())
        .return_top()
        .label("root")
        .push32(genesis_root)
        .return_top()
        .bytes()
}

/// The proof that [`verifier`] accepts for a statement, given as its ABI encoding.
pub(crate) fn proof(encoded_statement: &[u8]) -> B256 {
    // The encoding without its leading offset.
    keccak256(encoded_statement.get(32..).unwrap_or_default())
}

/// A contract that answers any call with these bytes.
pub(crate) fn answers(bytes: &[u8]) -> Bytes {
    Assembler::default().return_data("data", bytes).data("data", bytes).bytes()
}

/// A contract that answers any call with the first bytes in L1 blocks of even number, else with the second.
pub(crate) fn answers_by_parity(even: &[u8], odd: &[u8]) -> Bytes {
    Assembler::default()
        .ops(&[NUMBER])
        .push1(1)
        .ops(&[AND])
        .jump_if("odd")
        .return_data("even data", even)
        .label("odd")
        .return_data("odd data", odd)
        .data("even data", even)
        .data("odd data", odd)
        .bytes()
}

/// A contract that reverts with a word of ones, then zeros; `length` bytes in all.
pub(crate) fn reverts(length: u16) -> Bytes {
    Assembler::default()
        .push32(B256::repeat_byte(0xff))
        .ops(&[PUSH0, MSTORE, PUSH2])
        .ops(&length.to_be_bytes())
        .ops(&[PUSH0, REVERT])
        .bytes()
}

/// Function and answer of EIP-1271, `isValidSignature(bytes32,bytes)`.
const IS_VALID_SIGNATURE: [u8; 4] = [0x16, 0x26, 0xba, 0x7e];

/// A wallet that accepts a digest as its own signature (EIP-1271). It refuses any other signature.
pub(crate) fn wallet() -> Bytes {
    let mut valid = B256::ZERO;
    valid.0[..4].copy_from_slice(&IS_VALID_SIGNATURE);
    Assembler::default()
        .selector()
        .on(IS_VALID_SIGNATURE, "signature")
        .revert()
        .label("signature")
        .argument(0)
        // The signature's offset and length are the arguments 1 and 2.
        .argument(3)
        .ops(&[EQ])
        .jump_if("valid")
        .ops(&[PUSH0])
        .return_top()
        .label("valid")
        .push32(valid)
        .return_top()
        .bytes()
}

/// Whether [`wallet`] accepts a signature of a digest.
pub(crate) fn wallet_accepts(digest: B256, signature: &[u8]) -> bool {
    let mut word = B256::ZERO;
    let length = signature.len().min(32);
    word.0[..length].copy_from_slice(&signature[..length]);
    word == digest
}

/// The code of an account that delegates to the contract at an address (EIP-7702).
pub(crate) fn delegation(to: Address) -> Bytes {
    [&[0xef, 0x01, 0x00], to.as_slice()].concat().into()
}

/// A contract that accepts any call and does nothing.
pub(crate) fn takes_anything() -> Bytes {
    Assembler::default().ops(&[STOP]).bytes()
}

/// Takes all gas.
pub(crate) fn burns() -> Bytes {
    Assembler::default().ops(&[INVALID]).bytes()
}

/// A contract that writes to storage, which a static call forbids, then answers with these bytes.
pub(crate) fn writes(bytes: &[u8]) -> Bytes {
    Assembler::default().ops(&[CALLER, PUSH0, SSTORE]).return_data("data", bytes).data("data", bytes).bytes()
}
