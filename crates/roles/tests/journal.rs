//! What survives a restart, and what the journal refuses.

#[path = "../../l1/tests/common/disk.rs"]
mod disk;

use alloy::primitives::{Address, B256};
use disk::{Disk, Failure};
use fernet_ledger::{AccountIndex, Domain, Operation, SecretKey, Transfer};
use fernet_network::{BlockBody, SignedQuote, Wire, WireError};
use fernet_protocol::{ChainId, L1Slot, Price, Quote, RollupId, SequencerId, Slot, TokenAmount, samples};
use fernet_roles::{Journal, JournalError, OwnBlock, Record, Replacement};
use rand::{SeedableRng as _, rngs::StdRng};
use redb::{Database, TableDefinition};

fn body(slot: u64) -> BlockBody {
    let header = samples::header(Slot::new(slot));
    BlockBody { header, blobs: Vec::new(), signatures: Vec::new() }
}

fn quote(slot: u64, price: i128) -> SignedQuote {
    let quote = Quote {
        slot: Slot::new(slot),
        header_hash: body(slot).header_hash(),
        sequencer: SequencerId::new(1),
        prover: Address::repeat_byte(1),
        payee: Address::repeat_byte(2),
        bond: TokenAmount::new(3),
        price: Price::new(price),
        valid_until: L1Slot::new(5),
    };
    SignedQuote { quote, prover_signature: vec![6; 65].into() }
}

#[test]
fn blocks_and_quotes_survive_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal.redb");
    let hash = body(7).header_hash();
    {
        let journal = Journal::open(&path).unwrap();
        journal.put(&body(7)).unwrap();
        journal.put_quote(&quote(7, 1), Replacement::Forbidden).unwrap();
        assert!(matches!(Journal::open(&path), Err(JournalError::Database(_))), "one process at a time");
    }
    let journal = Journal::open(&path).unwrap();
    assert_eq!(journal.get(Slot::new(7), hash).unwrap(), Some(body(7)));
    assert_eq!(journal.get(Slot::new(7), hash).unwrap(), Some(quote(7, 1)));
    assert_eq!(journal.get::<BlockBody>(Slot::new(8), hash).unwrap(), None);
}

#[test]
fn no_second_quote_is_signed_for_a_header() {
    let journal = Journal::in_memory().unwrap();
    journal.put_quote(&quote(7, 1), Replacement::Allowed).unwrap();
    journal.put_quote(&quote(7, 2), Replacement::Allowed).unwrap();
    journal.put_quote(&quote(7, 2), Replacement::Forbidden).unwrap();
    let error = journal.put_quote(&quote(7, 3), Replacement::Forbidden).unwrap_err();
    assert!(
        matches!(error, JournalError::AlreadySigned { header_hash } if header_hash == body(7).header_hash())
    );
    assert_eq!(journal.get(Slot::new(7), body(7).header_hash()).unwrap(), Some(quote(7, 2)));
}

#[test]
fn old_slots_are_forgotten_and_others_stay() {
    let journal = Journal::in_memory().unwrap();
    for slot in [6, 7, 300] {
        journal.put(&body(slot)).unwrap();
        journal.put_quote(&quote(slot, 1), Replacement::Forbidden).unwrap();
    }
    journal.prune_before(Slot::new(7)).unwrap();
    let is_known = |slot| {
        let hash = body(slot).header_hash();
        let (body, quote) = (
            journal.get::<BlockBody>(Slot::new(slot), hash),
            journal.get::<SignedQuote>(Slot::new(slot), hash),
        );
        (body.unwrap().is_some(), quote.unwrap().is_some())
    };
    assert_eq!([6, 7, 300].map(is_known), [(false, false), (true, true), (true, true)]);
}

fn own(slot: u64) -> OwnBlock {
    OwnBlock { slot: Slot::new(slot), header_hash: body(slot).header_hash(), parent: B256::repeat_byte(8) }
}

#[test]
fn records_of_a_batch_are_there_together_or_not_at_all() {
    let journal = Journal::in_memory().unwrap();
    let batch = journal.batch().unwrap();
    batch.put(&body(7)).unwrap();
    batch.put(&own(7)).unwrap();
    drop(batch);
    assert_eq!(journal.all::<BlockBody>().unwrap(), []);
    assert_eq!(journal.all::<OwnBlock>().unwrap(), []);
    let batch = journal.batch().unwrap();
    for slot in [300, 7] {
        batch.put(&body(slot)).unwrap();
        batch.put(&own(slot)).unwrap();
    }
    batch.commit().unwrap();
    assert_eq!(journal.all::<BlockBody>().unwrap(), [body(7), body(300)], "in the order of slots");
    assert_eq!(journal.all::<OwnBlock>().unwrap(), [own(7), own(300)]);
}

/// What a damaged disk leaves: bytes in the table of bodies that are no body, or another one than the key
/// says.
#[derive(Debug)]
struct Damaged(Vec<u8>);

impl Wire for Damaged {
    fn encode(&self) -> Vec<u8> {
        self.0.clone()
    }

    fn decode(bytes: &[u8]) -> Result<Self, WireError> {
        Ok(Self(bytes.to_vec()))
    }
}

impl Record for Damaged {
    const TABLE: &'static str = <BlockBody as Record>::TABLE;

    fn key(&self) -> (Slot, B256) {
        (Slot::new(7), body(7).header_hash())
    }
}

#[test]
fn damage_is_reported() {
    let journal = Journal::in_memory().unwrap();
    let hash = body(7).header_hash();
    journal.put(&Damaged(vec![1, 2, 3])).unwrap();
    let error = journal.get::<BlockBody>(Slot::new(7), hash).unwrap_err();
    assert!(matches!(error, JournalError::Malformed { header_hash, .. } if header_hash == hash), "{error}");
    assert!(!error.is_retryable());
    journal.put(&Damaged(body(8).encode())).unwrap();
    let error = journal.all::<BlockBody>().unwrap_err();
    let JournalError::Misplaced { expected, actual, .. } = error else { panic!("{error}") };
    assert_eq!((expected, actual), (hash, body(8).header_hash()));
}

#[test]
fn own_blocks_have_no_other_length() {
    let bytes = own(7).encode();
    assert_eq!(OwnBlock::decode(&bytes), Ok(own(7)));
    for length in 0..bytes.len() {
        assert!(OwnBlock::decode(&bytes[..length]).is_err(), "{length} of {} bytes", bytes.len());
    }
    assert!(OwnBlock::decode(&[bytes.as_slice(), &[0]].concat()).is_err());
}

#[test]
fn mempool_and_suspension_survive_restarts_and_old_slots() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal.redb");
    let domain = Domain::from(RollupId::new(ChainId::new(1), Address::ZERO));
    let key = SecretKey::from_seed(b"journal");
    let operation = |nonce| {
        let (from, to) = (AccountIndex::new(1), AccountIndex::new(2));
        Operation::from(Transfer { from, to, amount: 1, fee: 1, nonce }).sign(domain, &key)
    };
    let change = |nonce, is_there: bool| ((AccountIndex::new(1), nonce), is_there.then(|| operation(nonce)));
    {
        let journal = Journal::open(&path).unwrap();
        assert_eq!((journal.operations().unwrap(), journal.suspension().unwrap()), (Vec::new(), None));
        journal.change_operations(&[change(0, true), change(300, true), change(2, true)]).unwrap();
        journal.change_operations(&[change(0, false), change(9, false)]).unwrap();
        journal.set_suspension(Some("a proof failed")).unwrap();
        journal.put(&body(7)).unwrap();
        journal.prune_before(Slot::new(u64::MAX)).unwrap();
    }
    let journal = Journal::open(&path).unwrap();
    assert_eq!(journal.operations().unwrap(), [operation(2), operation(300)]);
    assert_eq!(journal.suspension().unwrap().as_deref(), Some("a proof failed"));
    assert_eq!(journal.all::<BlockBody>().unwrap(), []);
    journal.set_suspension(None).unwrap();
    assert_eq!(journal.suspension().unwrap(), None);
}

/// Records of an earlier version, in tables of other names, go with their slots.
#[test]
fn what_an_earlier_version_wrote_is_no_obstacle() {
    struct Old;
    impl Wire for Old {
        fn encode(&self) -> Vec<u8> {
            vec![1]
        }

        fn decode(_: &[u8]) -> Result<Self, WireError> {
            Ok(Self)
        }
    }
    impl Record for Old {
        const TABLE: &'static str = "quotes.v1";

        fn key(&self) -> (Slot, B256) {
            (Slot::new(7), B256::ZERO)
        }
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal.redb");
    {
        let database = Database::create(&path).unwrap();
        let transaction = database.begin_write().unwrap();
        let mempool: TableDefinition<'_, (u32, u32), &[u8]> = TableDefinition::new("mempool.v1");
        transaction.open_table(mempool).unwrap().insert((1, 2), [3].as_slice()).unwrap();
        transaction.commit().unwrap();
    }
    let journal = Journal::open(&path).unwrap();
    journal.put(&Old).unwrap();
    assert_eq!(journal.operations().unwrap(), []);
    journal.prune_before(Slot::new(7)).unwrap();
    assert_eq!(journal.all::<Old>().unwrap().len(), 1);
    journal.prune_before(Slot::new(8)).unwrap();
    assert_eq!(journal.all::<Old>().unwrap().len(), 0);
}

/// What was written stays, and what wasn't is not half there, whichever write of the disk fails.
#[test]
fn a_disk_that_fails_at_any_write_loses_nothing_that_was_written() {
    let mut random = StdRng::seed_from_u64(13);
    let empty = Disk::default();
    drop(Journal::on(empty.clone()).unwrap());
    let empty = empty.remains(&mut random);
    let write = |disk: &Disk| -> Vec<u64> {
        let Ok(journal) = Journal::on(disk.clone()) else { return Vec::new() };
        let put = |slot: &u64| -> Result<(), JournalError> {
            let batch = journal.batch()?;
            batch.put(&body(*slot))?;
            batch.put(&own(*slot))?;
            batch.commit()
        };
        (1..6).take_while(|slot| put(slot).is_ok()).collect()
    };
    let whole = Disk::of(&empty);
    assert_eq!(write(&whole), [1, 2, 3, 4, 5]);
    let mut lost = 0;
    for failure in Failure::ALL {
        for at in 0..whole.operations() {
            let disk = Disk::of(&empty);
            disk.fail(at, failure);
            let written = write(&disk);
            lost += usize::from(written.len() < 5);
            let journal = Journal::on(Disk::of(&disk.remains(&mut random))).unwrap();
            let bodies: Vec<BlockBody> = journal.all().unwrap();
            let owned: Vec<OwnBlock> = journal.all().unwrap();
            let slots: Vec<u64> = bodies.iter().map(|body| body.header.slot.get()).collect();
            assert!(slots.starts_with(&written), "{failure:?} at {at}: {written:?} of {slots:?}");
            assert_eq!(
                slots,
                owned.iter().map(|own| own.slot.get()).collect::<Vec<_>>(),
                "{failure:?} at {at}"
            );
        }
    }
    assert!(lost > 20, "{lost} failures");
}
