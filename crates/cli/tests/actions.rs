//! The commands that look at L1 and act on it, against the real contracts: the whole life of a sequencer and
//! of an escrow, what is refused and how, and commands that are interrupted.
#![cfg(unix)]

mod common;
#[path = "common/world.rs"]
mod world;

use std::{fs, os::unix::fs::PermissionsExt as _, path::Path};

use fernet_devnet::{backend::Mining, options::Scoring};
use fernet_signers::{Cost, Password, web3};
use serde_json::{Value, json};
use world::{ADDRESSES, KEYS, World, failure, json as run};

/// One token, in token units.
const TOKEN: u128 = 1_000_000_000_000_000_000;

fn tokens(count: u128) -> Value {
    Value::from((count * TOKEN).to_string())
}

/// Writes a file that only its owner can read.
fn write_private(path: &Path, text: &str) {
    fs::write(path, text).expect("a file");
    fs::set_permissions(path, fs::Permissions::from_mode(0o600)).expect("permissions");
}

/// A BLS secret key, in hexadecimal.
fn bls(number: u8) -> String {
    format!("{number:064x}")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sequencer_is_registered_changed_and_paid_back() {
    let world = World::new(31_711, Scoring::Vrf).await;
    let register = |account: usize, attester: usize, more: &[&str]| {
        let fixed = ["sequencer", "register", "--attester", ADDRESSES[attester], "--bls-key-env", "TEST_BLS"];
        let mut command = world.signed(account, &[&fixed[..], more].concat());
        command.env("TEST_BLS", bls(7));
        command
    };
    assert_eq!(run(&mut world.reading(&["sequencer", "status"])), Value::Null);

    // Nothing is sent for want of tokens, of a yes, or in a dry run.
    assert_eq!(
        failure(&mut register(1, 1, &["--yes"])),
        format!("{} has 0 FDEV, the transaction takes 100 FDEV", ADDRESSES[1])
    );
    let unasked = failure(&mut register(0, 1, &[]));
    assert!(unasked.contains("stdin is no terminal: add --yes"), "{unasked}");
    let plan = run(&mut register(0, 1, &["--dry-run"]));
    let steps = plan["transactions"].as_array().expect("a plan");
    assert!(steps[0].as_str().is_some_and(|step| step.contains("to take 100 FDEV")), "{plan}");
    assert!(steps[1].as_str().is_some_and(|step| step.starts_with("register a sequencer")), "{plan}");
    assert!(plan["gas"].as_u64() > Some(300_000) && plan["feeWei"].is_string(), "{plan}");
    assert_eq!(run(&mut world.reading(&["sequencer", "status"])), Value::Null);

    let registered = run(&mut register(0, 1, &["--yes", "--fee-recipient", "3"]));
    assert_eq!(registered["result"], "registered");
    assert_eq!((&registered["already"], &registered["sequencer"]), (&json!(false), &json!(1)));
    assert_eq!((&registered["status"], &registered["stake"]), (&json!("queued"), &tokens(100)));
    assert_eq!(registered["attester"].as_str().map(str::to_lowercase), Some(ADDRESSES[1].to_lowercase()));
    assert_eq!(registered["feeRecipient"], 3);
    assert!(registered["transaction"]["hash"].is_string(), "{registered}");

    // Registering again changes nothing, unless another one is wanted.
    let again = run(&mut register(0, 1, &["--yes"]));
    assert_eq!((&again["already"], &again["transaction"]), (&json!(true), &Value::Null));
    assert_eq!(run(&mut register(0, 2, &["--yes"]))["already"], true, "the same BLS key");
    let another = run(&mut register(0, 1, &["--yes", "--another"]));
    assert_eq!((&another["sequencer"], &another["already"]), (&json!(2), &json!(false)));
    let cancelled = world.done(0, &["sequencer", "cancel-entry", "2"]);
    assert_eq!((&cancelled["status"], &cancelled["stake"]), (&json!("exited"), &tokens(0)));
    assert_eq!(world.done(0, &["sequencer", "cancel-entry", "2"])["already"], true);

    // Each refusal says whose turn it is.
    assert_eq!(
        world.refused(1, &["sequencer", "set-withdrawer", "1", ADDRESSES[1]]),
        format!(
            "{}, the withdrawer of sequencer 1, must sign, not {} (NotWithdrawer)",
            ADDRESSES[0], ADDRESSES[1]
        )
    );
    assert_eq!(
        world.refused(2, &["sequencer", "exit", "1"]),
        format!("{}, the owner of sequencer 1, must sign, not {} (NotOwner)", ADDRESSES[0], ADDRESSES[2])
    );
    assert_eq!(
        world.refused(0, &["sequencer", "exit", "9"]),
        "sequencer 9 isn't registered: the last one is 2"
    );
    assert_eq!(
        world.refused(0, &["sequencer", "top-up", "1", "0.5"]),
        "the stake of sequencer 1 would be 100.5 FDEV, and may be at most 100 FDEV (StakeTooHigh)"
    );
    assert_eq!(
        world.refused(0, &["sequencer", "top-up", "1", "1,5"]),
        "expected a number of tokens, such as 20 or 0.5, got \"1,5\""
    );
    assert_eq!(
        world.refused(0, &["sequencer", "claim"]),
        format!("{} has no rewards to claim (NothingOwed)", ADDRESSES[0])
    );

    world.pass(20).await;
    let status = run(&mut world.reading(&["sequencer", "status", "1"]));
    assert_eq!(status["status"], "active");
    assert_eq!(
        world.refused(0, &["sequencer", "withdraw", "1"]),
        "sequencer 1 is active, it must be exiting (WrongStatus)"
    );
    let set = world.done(0, &["sequencer", "set-fee-recipient", "1", "5"]);
    assert_eq!((&set["feeRecipient"], &set["already"]), (&json!(5), &json!(false)));
    assert_eq!(world.done(0, &["sequencer", "set-fee-recipient", "1", "5"])["already"], true);
    let passed = world.done(0, &["sequencer", "set-withdrawer", "1", ADDRESSES[2]]);
    assert_eq!(passed["withdrawer"].as_str().map(str::to_lowercase), Some(ADDRESSES[2].to_lowercase()));
    let rotated = world.done(0, &["sequencer", "rotate-attester", "1", ADDRESSES[2]]);
    assert!(rotated["nextAttester"]["from"]["l1Slot"].is_u64(), "{rotated}");
    assert_eq!(world.done(0, &["sequencer", "rotate-attester", "1", ADDRESSES[2]])["already"], true);
    let early = world.refused(0, &["sequencer", "rotate-attester", "1", ADDRESSES[1]]);
    assert!(early.starts_with("sequencer 1 can change this key again from L1 slot "), "{early}");
    let mut rotate = world.signed(0, &["sequencer", "rotate-bls-key", "1", "--yes"]);
    rotate.args(["--bls-key-env", "TEST_BLS"]).env("TEST_BLS", bls(8));
    assert!(run(&mut rotate)["nextBlsKeyHash"]["key"].is_string());
    assert_eq!(run(&mut rotate)["already"], true);

    let exiting = world.done(0, &["sequencer", "exit", "1"]);
    assert_eq!((&exiting["status"], &exiting["already"]), (&json!("exiting"), &json!(false)));
    assert_eq!(world.done(0, &["sequencer", "exit", "1"])["already"], true);
    let early = world.refused(0, &["sequencer", "withdraw", "1"]);
    assert!(early.starts_with("the stake of sequencer 1 can be withdrawn from L1 slot "), "{early}");
    world.pass(6).await;
    // Anyone may send it; the withdrawer is paid.
    let withdrawn = world.done(1, &["sequencer", "withdraw", "1"]);
    assert_eq!((&withdrawn["status"], &withdrawn["stake"]), (&json!("exited"), &tokens(0)));
    let paid = run(&mut world.reading(&["prover", "status", ADDRESSES[2]]));
    assert_eq!(paid["tokens"], tokens(100));
    assert_eq!(world.done(1, &["sequencer", "withdraw", "1"])["already"], true);
    assert_eq!(
        failure(&mut world.reading(&[
            "sequencer",
            "status",
            "--account",
            "0x0000000000000000000000000000000000000001"
        ])),
        "no sequencer is owned, attested or withdrawn for by 0x0000000000000000000000000000000000000001"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_escrow_is_filled_and_emptied_and_interrupted_commands_go_on() {
    let world = World::new(31_712, Scoring::Public).await;
    let status = || run(&mut world.reading(&["prover", "status", ADDRESSES[0]]));
    assert_eq!((&status()["free"], &status()["signer"]), (&tokens(0), &Value::Null));

    // The key may be in a file.
    let key = KEYS[0].parse().expect("a key");
    let (file, password) = (world.folder.path().join("key.json"), world.folder.path().join("password"));
    let secret = Password::new("correct horse".to_owned());
    web3::write(&file, &key, &secret, Cost::Light).expect("a key file");
    let with_file = |password_file: &Path| {
        let mut command = world.reading(&["prover", "deposit", "1", "--account", ADDRESSES[1], "--yes"]);
        command.arg("--keystore").arg(&file).arg("--password-file").arg(password_file);
        command.arg("--transactions").arg(world.folder.path().join("transactions"));
        command
    };
    write_private(&password, "correct horse\n");
    let deposited = run(&mut with_file(&password));
    assert_eq!((&deposited["free"], &deposited["transaction"]["earlier"]), (&tokens(1), &json!(false)));
    let wrong = world.folder.path().join("wrong");
    write_private(&wrong, "battery staple");
    let refused = failure(&mut with_file(&wrong));
    assert!(refused.contains("password") && !refused.contains("battery"), "{refused}");
    let keyless = failure(world.reading(&["prover", "deposit", "1", "--yes"]).env("TEST_KEY", KEYS[0]));
    let expected =
        "expected the key that signs: name its file with --keystore, or a signer of the configuration";
    assert_eq!(keyless, format!("{expected} with --signer"));

    let deposited = world.done(0, &["prover", "deposit", "60"]);
    assert_eq!((&deposited["result"], &deposited["free"]), (&json!("deposited"), &tokens(60)));
    assert_eq!(deposited["affordableBonds"], "2");
    assert!(world.refused(1, &["prover", "deposit", "1"]).contains("has 0 FDEV"), "no tokens");
    assert_eq!(
        world.refused(0, &["prover", "withdraw"]),
        format!("nothing is requested back by {}: say how many tokens, or all", ADDRESSES[0])
    );
    let too_much = world.refused(0, &["prover", "withdraw", "61"]);
    assert!(
        too_much.contains("has 60 FDEV free in the escrow, less than 61 FDEV (InsufficientFree)"),
        "{too_much}"
    );

    let requested = world.done(0, &["prover", "withdraw", "20.5"]);
    assert_eq!(requested["result"], "requested");
    assert_eq!(requested["requested"], "20500000000000000000");
    let early = world.refused(0, &["prover", "withdraw", "20.5"]);
    assert!(early.contains("can withdraw from the escrow from L1 slot "), "{early}");
    world.pass(101).await;
    let withdrawn = world.done(0, &["prover", "withdraw", "20.5", "--to", ADDRESSES[1]]);
    assert_eq!((&withdrawn["result"], &withdrawn["requested"]), (&json!("withdrawn"), &tokens(0)));
    let paid = run(&mut world.reading(&["prover", "status", ADDRESSES[1]]));
    assert_eq!(paid["tokens"], "20500000000000000000");

    let set = world.done(0, &["prover", "set-signer", ADDRESSES[2]]);
    assert_eq!(set["signer"].as_str().map(str::to_lowercase), Some(ADDRESSES[2].to_lowercase()));
    assert_eq!(world.done(0, &["prover", "set-signer", ADDRESSES[2]])["already"], true);
    assert!(world.done(0, &["prover", "set-signer", "--none"])["pendingSigner"]["from"].is_object());

    // A command that is killed after it sent, and run again, sends nothing twice.
    world.backend.set_mining(Mining::Stepwise).await.expect("no blocks");
    let deposit = ["prover", "deposit", "7", "--account", ADDRESSES[2]];
    let mut running = world.start(0, &deposit);
    running.stderr.find("allow").expect("the plan");
    running.stderr.find("sent 0x").expect("the approval");
    world.pass(1).await;
    running.stderr.find("deposit 7 FDEV").expect("the deposit");
    running.signal("KILL");
    running.end();
    let mut running = world.start(0, &deposit);
    running.stderr.find("an earlier command sent this").expect("it is found again");
    // Two commands can't send from one account.
    let busy = world.refused(0, &["prover", "deposit", "1"]);
    assert!(busy.contains("another command sends from"), "{busy}");
    world.pass(1).await;
    let (success, stdout, stderr) = running.end();
    assert!(success.success(), "{stderr:?}");
    let again: Value = serde_json::from_str(&stdout.concat()).expect("JSON");
    assert_eq!(again["transaction"]["earlier"], true);
    assert_eq!((&again["result"], &again["free"]), (&json!("deposited"), &tokens(7)));
    let other = run(&mut world.reading(&["prover", "status", ADDRESSES[2]]));
    assert_eq!(other["free"], tokens(7), "it was sent once");

    // A transaction that isn't included can be withdrawn.
    let mut running = world.start(0, &["prover", "set-signer", ADDRESSES[1]]);
    running.stderr.find("sent 0x").expect("it is sent");
    running.signal("KILL");
    running.end();
    let folder = world.folder.path().join("transactions");
    let folder = folder.to_str().expect("a path");
    let tx = |arguments: &[&str]| {
        let arguments = [&["tx"], arguments, &["--folder", folder, "--format", "json"]].concat();
        common::fernet(&arguments)
    };
    let pending = run(&mut tx(&["list", "--pending"]));
    assert_eq!((&pending["status"], &pending["function"]), (&json!("sent"), &json!("setSigner")));
    let name = pending["name"].as_str().expect("a name").to_owned();
    assert_eq!(run(&mut tx(&["show", &name])), pending);
    assert!(failure(&mut tx(&["show", "nothing"])).starts_with("no transaction named nothing"));
    assert_eq!(run(&mut tx(&["cancel", &name]))["status"], "withdrawing");
    // The next command of the account sends the no-op, which the next block includes.
    let mut running = world.start(0, &["prover", "deposit", "1", "--account", ADDRESSES[1]]);
    running.stderr.find("sent 0x").expect("it is sent");
    world.pass(1).await;
    running.stderr.find("deposit 1 FDEV in the escrow").expect("the plan");
    world.backend.set_mining(Mining::EachTransaction).await.expect("blocks");
    world.pass(3).await;
    let (success, _, stderr) = running.end();
    assert!(success.success(), "{stderr:?}");
    let cancelled = run(&mut tx(&["show", &name]));
    assert_eq!(cancelled["status"], "expired", "{cancelled}");
    assert_eq!(cancelled["transactions"][1]["purpose"], "no-op");
    let nowhere = failure(&mut common::fernet(&["tx", "list", "--folder", "nowhere"]));
    assert!(nowhere.starts_with("nowhere"), "{nowhere}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn slots_and_ranks_are_shown() {
    let world = World::new(31_713, Scoring::Vrf).await;
    for number in 1..=3 {
        let attester = ["sequencer", "register", "--attester", ADDRESSES[usize::from(number) - 1]];
        let mut command = world.signed(0, &[&attester[..], &["--bls-key-env", "TEST_BLS", "--yes"]].concat());
        run(command.env("TEST_BLS", bls(number)));
    }
    world.pass(60).await;
    let slot = run(&mut world.reading(&["slot", "show"]));
    let number = slot["slot"].as_u64().expect("a slot");
    assert!(number > 0 && slot["phase"].is_string() && slot["candidates"] == json!([]), "{slot}");
    let past = run(&mut world.reading(&["slot", "show", "0"]));
    assert_eq!(past, json!({ "slot": 0, "outcome": "idle", "events": [] }));
    assert_eq!(
        failure(&mut world.reading(&["slot", "show", "1000000"])),
        format!("slot 1000000 has not begun: the slot in turn is {number}")
    );
    let watched = run(&mut world.reading(&["slot", "watch", "--lines", "1"]));
    assert_eq!(watched["slot"], slot["slot"]);

    // Under VRF scoring nobody's rank is known but one's own.
    let mut command = world.reading(&["rank", "--sequencer", "2", "--bls-key-env", "TEST_BLS"]);
    let own = run(command.env("TEST_BLS", bls(2)));
    assert_eq!((&own["scoring"], &own["eligible"]), (&json!("vrf"), &json!(3)));
    assert_eq!(own["ranked"], json!([]));
    assert!(own["own"]["rank"].as_u64() < Some(3) && own["own"]["eligible"] == true, "{own}");
    let output = world.reading(&["rank", "--slots", "2"]).output().expect("the fernet command");
    let lines = String::from_utf8(output.stdout).expect("text");
    let both: Vec<Value> = lines.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    assert_eq!(both.len(), 2, "{lines}");
    assert_eq!(both[1]["slot"].as_u64(), both[0]["slot"].as_u64().map(|slot| slot + 1));
    assert_eq!((&both[1]["start"], &both[1]["eligible"]), (&Value::Null, &json!(3)));
    let hidden = run(&mut world.reading(&["rank", "--sequencer", "2"]));
    assert_eq!(hidden["own"]["rank"], Value::Null);
    let mut command = world.reading(&["rank", "--sequencer", "2", "--bls-key-env", "TEST_BLS"]);
    let wrong = failure(command.env("TEST_BLS", bls(3)));
    assert_eq!(wrong, "the BLS key isn't that of sequencer 2");
    assert_eq!(
        failure(&mut world.reading(&["rank", "--sequencer", "9"])),
        "sequencer 9 isn't registered: the last one is 3"
    );

    // Another chain than the deployment's is refused before anything else.
    let file = world.file();
    let mut deployment: Value =
        serde_json::from_str(&fs::read_to_string(&file).expect("the file")).expect("JSON");
    deployment["chainId"] = json!(1);
    let other = world.folder.path().join("other.json");
    fs::write(&other, deployment.to_string()).expect("a file");
    let error =
        world.refused(0, &["sequencer", "exit", "1", "--deployment", other.to_str().expect("a path")]);
    assert!(error.contains("deployment is for chain 1, the L1 endpoint is on chain 31713"), "{error}");
}
