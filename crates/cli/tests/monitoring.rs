//! What operators see of a run with faults: counts that are those of the chain, over HTTP, in a real
//! Prometheus, with the alert rules and the dashboard of `monitoring/`. `make prometheus` installs it.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use alloy::primitives::{Address, U256};
use alloy::providers::Provider as _;
use fernet_circuit::{CircuitParams, DEVELOPMENT_SEED, key};
use fernet_devnet::{
    accounts::{Accounts, RoleCounts},
    devnet::Devnet,
    observer::{Watch, observer},
    options::{DevnetOptions, L1Choice, ProofSource, find_root, keys_folder},
    record::{SlotOutcome, SlotRecord},
};
use fernet_l1::Pool;
use fernet_protocol::{L1Slot, SequencerId, Slot};
use fernet_roles::SETTLED_AFTER;
use fernet_telemetry::{AccountKind, BuildInfo, Limits, NetworkStats, Role, Settings, StoreKind, Telemetry};
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::sync::oneshot;

const SEED: u64 = 7;
/// Slots in which a fault is planned, and one before them.
const SLOTS: u64 = 7;
const FAULTS: &str = "no-proposal@1,no-backup@1,no-commitment@2,no-backup@2,no-reveal@3,no-backup@3,\
                      no-proof@4,no-proof-no-rescue@5,no-backup@5,first-candidate-dead@6";
/// How long anything may take that a test waits for.
const PATIENCE: Duration = Duration::from_secs(60);

fn root() -> PathBuf {
    find_root(Path::new(env!("CARGO_MANIFEST_DIR"))).expect("the deployment script above this crate")
}

fn tool(name: &str) -> Command {
    let path = root().join("target/tools/prometheus/bin").join(name);
    assert!(path.exists(), "missing tool: {} - run `make prometheus`", path.display());
    Command::new(path)
}

fn read(path: &str) -> String {
    std::fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

#[test]
fn the_alert_rules_are_valid_and_fire_on_what_they_are_about() {
    for arguments in [
        &["check", "rules", "alerts.yml"][..],
        &["check", "config", "prometheus.yml"],
        &["test", "rules", "alerts.test.yml"],
    ] {
        let output = tool("promtool").args(arguments).current_dir(root().join("monitoring")).output();
        let output = output.expect("promtool runs");
        let text = [output.stdout, output.stderr].concat();
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&text));
    }
}

/// The alerts, in the order of the rules.
fn alerts() -> Vec<String> {
    let rules = read("monitoring/alerts.yml");
    rules.lines().filter_map(|line| line.trim().strip_prefix("- alert: ")).map(str::to_owned).collect()
}

#[test]
fn every_alert_is_tested_and_explained_under_its_runbook_link() {
    let (alerts, rules) = (alerts(), read("monitoring/alerts.yml"));
    assert!(alerts.len() > 20, "{alerts:?}");
    let (tests, page) = (read("monitoring/alerts.test.yml"), read("docs/operating/alerts.md"));
    for alert in &alerts {
        assert!(tests.contains(&format!("name: {alert} fires\n")), "{alert} has no test");
        let link = format!("/docs/operating/alerts.md#{}\n", alert.to_lowercase());
        assert_eq!(rules.matches(&link).count(), 1, "{alert} has no link to its section");
    }
    let sections: Vec<&str> = page.lines().filter_map(|line| line.strip_prefix("### ")).collect();
    assert_eq!(sections, alerts);
}

/// The names of metrics in a text.
fn metric_names(text: &str) -> BTreeSet<String> {
    let is_part = |letter: char| letter.is_ascii_alphanumeric() || letter == '_';
    text.split(|letter| !is_part(letter))
        .filter(|word| word.starts_with("fernet_"))
        .map(str::to_owned)
        .collect()
}

#[test]
fn every_panel_of_the_dashboard_says_what_it_shows() {
    let dashboard: Value = serde_json::from_str(&read("monitoring/dashboard.json")).expect("JSON");
    let panels = dashboard["panels"].as_array().expect("panels");
    let mut ids = BTreeSet::new();
    for panel in panels {
        assert!(ids.insert(panel["id"].as_u64()), "two panels have the id {}", panel["id"]);
        if panel["type"] == "row" {
            continue;
        }
        assert!(panel["description"].as_str().is_some_and(|text| !text.is_empty()), "{panel}");
        for target in panel["targets"].as_array().expect("targets") {
            let query = target["expr"].as_str().expect("a query");
            assert!(query.contains("instance=~\"$instance\""), "{query}");
        }
    }
    assert!(panels.len() > 40);
}

/// A run of a devnet, with the telemetry of each role.
struct Run {
    devnet: Devnet,
    sequencers: Vec<(SequencerId, Telemetry)>,
    provers: Vec<Telemetry>,
    node: Telemetry,
    records: Vec<SlotRecord>,
    /// Fees that each sequencer paid, in wei, by the balances of its accounts.
    spent: Vec<U256>,
}

fn settings(role: Role) -> Settings {
    let build = BuildInfo { version: env!("CARGO_PKG_VERSION"), commit: "test" };
    let l1_slot = Duration::from_secs(12);
    let limits = Limits { head_age: None, quiet: PATIENCE * 10, disk: 0, ..Limits::new(l1_slot) };
    Settings { limits, ..Settings::new(role, build, l1_slot) }
}

async fn balance(devnet: &Devnet, accounts: &[Address]) -> U256 {
    let mut sum = U256::ZERO;
    for account in accounts {
        sum += devnet.backend().provider().get_balance(*account).await.expect("a balance");
    }
    sum
}

async fn run() -> Run {
    let folder = keys_folder(&root());
    let keys = key::load_or_generate(&folder, &CircuitParams::PRODUCTION, &DEVELOPMENT_SEED, &mut |_| ());
    let counts = RoleCounts::default();
    let options = DevnetOptions {
        root: root(),
        l1: L1Choice::Embedded,
        rpc_port: 0,
        chain_id: 31_420,
        slots: Some(SLOTS),
        seed: SEED,
        counts,
        processes: None,
        faults: FAULTS.parse().expect("a fault plan"),
        endpoint_faults: None,
        transfers_per_slot: 2,
        pace: Duration::ZERO,
        proofs: ProofSource::Cached(root().join("target/proofs")),
        scoring: Default::default(),
        vote: Address::ZERO,
        sidecars: Default::default(),
        commitments: Default::default(),
    };
    let (observer, Watch { records: mut finished, .. }) = observer();
    let mut devnet =
        Devnet::start(options, Arc::new(keys.expect("development keys")), observer).await.expect("a devnet");
    let accounts = Accounts::new(SEED, counts).expect("the run's accounts");
    let senders: Vec<[Address; 2]> = accounts
        .sequencers
        .iter()
        .zip(&accounts.blob_accounts)
        .map(|(plain, blob)| [plain.address(), blob.address()])
        .collect();
    let mut before = Vec::new();
    for pair in &senders {
        before.push(balance(&devnet, pair).await);
    }
    // The follower knows the registrations from the first step on.
    let mut report = devnet.step().await.expect("a step");
    let telemetry = |role| Telemetry::new(settings(role));
    let registered: Vec<(SequencerId, Address)> = {
        let follower = devnet.follower().lock().await;
        let view = follower.view();
        view.sequencers().map(|(id, record)| (id, record.owner)).collect()
    };
    let id_of = |owner: Address| {
        let found = registered.iter().find(|(_, other)| *other == owner);
        found.map(|(id, _)| *id).expect("a registration")
    };
    let owners = accounts.sequencers.iter().map(|signer| signer.address());
    let sequencers: Vec<_> =
        owners.map(|owner| (id_of(owner), telemetry(Role::Sequencer { id: id_of(owner), owner }))).collect();
    let provers = accounts.provers.iter().map(|signer| signer.address());
    let provers: Vec<_> = provers.map(|prover| telemetry(Role::Prover { prover, payee: prover })).collect();
    let node = telemetry(Role::Node);

    let mut over_at: Option<L1Slot> = None;
    loop {
        let block = devnet.history().head().cloned().expect("a block after a step");
        let follower = devnet.follower().lock().await;
        for ((_, telemetry), report) in sequencers.iter().zip(&report.sequencers) {
            telemetry.observe_sequencer(&block, report, &follower);
        }
        for (telemetry, report) in provers.iter().zip(&report.provers) {
            telemetry.observe_prover(&block, report, &follower);
        }
        node.observe_node(&block, &follower);
        if follower.view().slot(block.l1_slot.plus(1)).slot >= Slot::new(SLOTS) {
            let over_at = *over_at.get_or_insert(block.l1_slot);
            if block.l1_slot >= over_at.plus(SETTLED_AFTER) {
                break;
            }
        }
        drop(follower);
        report = devnet.step().await.expect("a step");
    }
    let mut spent = Vec::new();
    for (pair, before) in senders.iter().zip(before) {
        spent.push(before - balance(&devnet, pair).await);
    }
    let mut records = Vec::new();
    while let Ok(record) = finished.try_recv() {
        records.push(record);
    }
    records.retain(|record| record.slot < SLOTS);
    Run { devnet, sequencers, provers, node, records, spent }
}

/// The samples of a metrics text, by name and labels.
fn samples(text: &str) -> BTreeMap<String, f64> {
    assert!(text.ends_with("# EOF\n"), "OpenMetrics text ends with its mark");
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    let sample = |line: &str| {
        let (name, value) = line.rsplit_once(' ').expect("a sample");
        (name.to_owned(), value.parse().expect("a number"))
    };
    lines.map(sample).collect()
}

/// The sum of the samples of a metric whose labels contain all of `labels`.
fn sum(text: &str, name: &str, labels: &[&str]) -> f64 {
    let is_of = |sample: &str| {
        sample.split('{').next() == Some(name) && labels.iter().all(|label| sample.contains(label))
    };
    samples(text).iter().filter(|(sample, _)| is_of(sample)).map(|(_, value)| value).sum()
}

fn check_counts(run: &Run, view: &fernet_follower::RollupView) {
    use SlotOutcome::{Backup, Empty, Finalized, Rescued};
    let outcomes: Vec<SlotOutcome> = run.records.iter().map(|record| record.outcome).collect();
    assert_eq!(outcomes, [Finalized, Empty, Empty, Empty, Rescued, Empty, Finalized]);
    let lost = |slot: u64| run.devnet.history().lost_turns(Slot::new(slot));
    let count = |is_counted: &dyn Fn(u64) -> bool| (0..SLOTS).filter(|slot| is_counted(*slot)).count() as f64;
    let (mut proposals_held, mut not_proven) = (0.0, 0.0);
    for ((id, telemetry), spent) in run.sequencers.iter().zip(&run.spent) {
        let text = telemetry.metrics();
        let reached =
            |reached: &str| sum(&text, "fernet_sequencer_slots_total", &[&format!("=\"{reached}\"")]);
        let missed = |duty: &str| sum(&text, "fernet_sequencer_missed_total", &[&format!("duty=\"{duty}\"")]);
        let own = |record: &SlotRecord| record.sequencer == Some(id.get());
        let finalized = run.records.iter().filter(|record| own(record)).count() as f64;
        assert_eq!(reached("finalized"), finalized, "sequencer {id}: {text}");
        let won = |record: &&SlotRecord| own(record) && record.rank == Some(0);
        assert!(reached("won") >= run.records.iter().filter(won).count() as f64);
        assert_eq!(missed("commit"), count(&|slot| lost(slot).abandoned.contains(id)), "sequencer {id}");
        assert_eq!(missed("reveal"), count(&|slot| lost(slot).withheld.contains(id)), "sequencer {id}");
        let held = ["duty=\"propose\"", "cause=\"held\""];
        assert_eq!(sum(&text, "fernet_sequencer_missed_total", &held), missed("propose"), "sequencer {id}");
        proposals_held += missed("propose");
        not_proven += missed("finalize");
        let duties = reached("proposed") + missed("propose");
        let ends = reached("finalized") + reached("stand_by") + reached("voided");
        let all_missed = sum(&text, "fernet_sequencer_missed_total", &[]);
        assert_eq!(duties, ends + all_missed, "every duty has one outcome");
        assert_eq!(sum(&text, "fernet_sequencer_slots_unobserved", &[]), 0.0);

        let fees = sum(&text, "fernet_fees_paid_wei_total", &[]);
        let spent: f64 = spent.to_string().parse().expect("a number");
        assert!((fees - spent).abs() <= spent * 1e-9, "sequencer {id} counted {fees}, paid {spent}");
    }
    assert_eq!(proposals_held, f64::from(view.parameters().max_candidates), "the slot without proposals");
    assert_eq!(not_proven, 1.0, "the slot without a proof");

    let texts: Vec<String> = run.provers.iter().map(Telemetry::metrics).collect();
    let all = |name: &str, label: &str| texts.iter().map(|text| sum(text, name, &[label])).sum::<f64>();
    let results = |result: &str| all("fernet_prover_blocks_total", &format!("=\"{result}\""));
    let of = |outcome| run.records.iter().filter(|record| record.outcome == outcome).count() as f64;
    assert_eq!(results("proven"), of(Finalized));
    assert_eq!(results("rescuer") + results("proven_late"), of(Rescued));
    assert_eq!(results("rescued"), results("rescuer"), "the bonds of rescued blocks");
    assert_eq!(results("backup"), of(Backup));
    assert_eq!(results("lost"), 1.0, "the slot without a proof");
    let withheld: f64 = (0..SLOTS).map(|slot| lost(slot).withheld.len() as f64).sum();
    assert_eq!(results("released"), withheld);
    let slashed: f64 = view.totals().bonds_slashed.to_string().parse().expect("a number");
    let counted = all("fernet_prover_slashed_tokens_total", "");
    assert!((counted - slashed).abs() <= slashed * 1e-9, "counted {counted}, L1 slashed {slashed}");
}

/// A server of a role's telemetry.
struct Served {
    address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    task: tokio::task::JoinHandle<std::io::Result<()>>,
}

async fn serve(telemetry: &Telemetry) -> Served {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("its address");
    let (stop, stopped) = oneshot::channel::<()>();
    let shutdown = async move { drop(stopped.await) };
    let task = tokio::spawn(telemetry.clone().serve(listener, shutdown));
    Served { address, stop: Some(stop), task }
}

async fn get(url: &str, accept: &str) -> (u16, String) {
    let answer = reqwest::Client::new().get(url).header("accept", accept).send().await.expect("an answer");
    (answer.status().as_u16(), answer.text().await.expect("its text"))
}

/// A Prometheus that ends with the test.
struct Prometheus {
    process: Child,
    url: String,
}

impl Drop for Prometheus {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Prometheus {
    fn start(folder: &Path, targets: &[SocketAddr]) -> Self {
        let targets: Vec<String> = targets.iter().map(|target| format!("\"{target}\"")).collect();
        let config = format!(
            "global: {{scrape_interval: 200ms, evaluation_interval: 200ms}}\n\
             rule_files: [\"{}\"]\n\
             scrape_configs:\n  - job_name: fernet\n    scrape_timeout: 200ms\n    \
             static_configs: [{{targets: [{}]}}]\n",
            root().join("monitoring/alerts.yml").display(),
            targets.join(", ")
        );
        let file = folder.join("prometheus.yml");
        std::fs::write(&file, config).expect("a configuration");
        let mut process = tool("prometheus")
            .arg(format!("--config.file={}", file.display()))
            .arg(format!("--storage.tsdb.path={}", folder.join("data").display()))
            .arg("--web.listen-address=127.0.0.1:0")
            .stderr(Stdio::piped())
            .spawn()
            .expect("prometheus runs");
        let mut lines = BufReader::new(process.stderr.take().expect("its log")).lines();
        let mut seen = Vec::new();
        let address = lines.by_ref().map_while(Result::ok).find_map(|line| {
            let address =
                line.split_once("msg=\"Listening on\" address=").map(|(_, address)| address.to_owned());
            seen.push(line);
            address
        });
        let address = address.unwrap_or_else(|| panic!("prometheus doesn't listen: {seen:#?}"));
        // Keeps the pipe from filling up.
        std::thread::spawn(move || lines.for_each(drop));
        Self { process, url: format!("http://{}", address.trim()) }
    }

    async fn ask(&self, path: &str) -> Value {
        self.wait(path, |_| true).await
    }

    /// Asks until `is_there`, with a deadline. Prometheus answers 503 while it starts.
    async fn wait(&self, path: &str, is_there: impl Fn(&Value) -> bool) -> Value {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let (status, text) = get(&format!("{}{path}", self.url), "application/json").await;
            assert!([200, 503].contains(&status), "{path}: {status} {text}");
            let answer: Value =
                if status == 200 { serde_json::from_str(&text).expect("JSON") } else { Value::Null };
            if status == 200 && is_there(&answer) {
                return answer;
            }
            assert!(Instant::now() < deadline, "{path}: {status} {text}");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_with_faults_is_counted_as_it_was_and_a_real_prometheus_has_every_metric() {
    let run = run().await;
    {
        let follower = run.devnet.follower().lock().await;
        check_counts(&run, follower.view());
    }

    // What a process tells beside its steps.
    let folder = tempfile::tempdir().expect("a folder");
    let url = "http://127.0.0.1:9/".parse().expect("a URL");
    let pool = Pool::of_urls(&[url]).expect("a pool");
    for telemetry in run.sequencers.iter().map(|(_, telemetry)| telemetry).chain(&run.provers) {
        telemetry.set_endpoints(pool.clone());
        telemetry.set_balance(AccountKind::Plain, U256::from(10).pow(U256::from(18)));
        telemetry.set_network(NetworkStats { peers: 3, accepted: 5, ..NetworkStats::default() });
        telemetry.set_files(folder.path(), vec![(StoreKind::Journal, folder.path().join("x"))]);
    }
    let (_, sequencer) = &run.sequencers[0];
    let served = [serve(sequencer).await, serve(&run.provers[0]).await, serve(&run.node).await];
    let base = format!("http://{}", served[0].address);
    // No endpoint was asked yet: the sequencer isn't ready, and says why.
    let (status, text) = get(&format!("{base}/readyz"), "text/plain").await;
    assert_eq!((status, text.lines().next()), (503, Some("not ready")));
    assert!(text.contains("[RDY-008] none of 1 L1 endpoints answers"), "{text}");
    let (_, json) = get(&format!("{base}/readyz"), "application/json").await;
    let json: Value = serde_json::from_str(&json).expect("JSON");
    assert_eq!((&json["ready"], &json["reasons"][0]["code"]), (&Value::from(false), &Value::from("RDY-008")));
    assert_eq!(
        get(&format!("http://{}/readyz", served[2].address), "*/*").await,
        (200, "ready\n".to_owned())
    );
    assert_eq!(get(&format!("{base}/livez"), "*/*").await, (200, "live\n".to_owned()));
    let (_, status) = get(&format!("{base}/status"), "*/*").await;
    let status: Value = serde_json::from_str(&status).expect("JSON");
    assert_eq!((&status["role"], &status["live"]), (&Value::from("sequencer"), &Value::from(true)));

    let targets: Vec<SocketAddr> = served.iter().map(|served| served.address).collect();
    let prometheus = Prometheus::start(folder.path(), &targets);
    let up = |answer: &Value| answer["data"]["result"].as_array().is_some_and(|found| found.len() == 3);
    prometheus.wait("/api/v1/query?query=up%3D%3D1", up).await;
    let names = prometheus.ask("/api/v1/label/__name__/values").await;
    let scraped: BTreeSet<&str> =
        names["data"].as_array().expect("names").iter().filter_map(Value::as_str).collect();
    let wanted =
        [read("monitoring/alerts.yml"), read("monitoring/dashboard.json")].map(|text| metric_names(&text));
    // It has no series before the first warning.
    let is_missing = |name: &&String| !scraped.contains(name.as_str()) && *name != "fernet_log_events_total";
    let missing: Vec<&String> = wanted.iter().flatten().filter(is_missing).collect();
    assert!(missing.is_empty(), "not in the scrape: {missing:?}");

    // A sequencer that panicked isn't live, and its alert fires.
    drop(sequencer.watch("sequencer"));
    assert_eq!(get(&format!("{base}/livez"), "*/*").await.0, 503);
    let fires = |answer: &Value| {
        let alerts = answer["data"]["alerts"].as_array().map(Vec::as_slice).unwrap_or_default();
        alerts.iter().any(|alert| {
            alert["labels"]["alertname"] == "FernetNotLive"
                && alert["labels"]["instance"] == targets[0].to_string()
                && alert["state"] == "firing"
        })
    };
    prometheus.wait("/api/v1/alerts", fires).await;
    let rules = prometheus.ask("/api/v1/rules").await;
    let groups = rules["data"]["groups"].as_array().expect("groups");
    let loaded = groups.iter().flat_map(|group| group["rules"].as_array().into_iter().flatten());
    let (mut count, mut failed) = (0, Vec::new());
    for rule in loaded {
        count += 1;
        if rule["health"] != "ok" {
            failed.push(rule.to_string());
        }
    }
    assert_eq!((count, failed), (alerts().len(), Vec::new()));
    drop(prometheus);
    for mut served in served {
        drop(served.stop.take());
        served.task.await.expect("the server's task").expect("a server that ends well");
    }
}
