//! The HTTP server of a process that has done nothing yet.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::time::Duration;

use alloy_primitives::Address;
use fernet_protocol::SequencerId;
use fernet_telemetry::{BuildInfo, Role, Settings, Telemetry};
use serde_json::Value;
use tokio::io::AsyncWriteExt as _;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

const ROLES: [Role; 3] = [
    Role::Sequencer { id: SequencerId::new(3), owner: Address::ZERO },
    Role::Prover { prover: Address::ZERO, payee: Address::ZERO },
    Role::Node,
];

fn telemetry(role: Role) -> Telemetry {
    let build = BuildInfo { version: "1.2.3", commit: "abc" };
    Telemetry::new(Settings::new(role, build, Duration::from_secs(12)))
}

async fn serve(telemetry: &Telemetry) -> (SocketAddr, oneshot::Sender<()>, JoinHandle<std::io::Result<()>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, stopped) = oneshot::channel::<()>();
    let task = tokio::spawn(telemetry.clone().serve(listener, async move { drop(stopped.await) }));
    (address, stop, task)
}

async fn get(address: SocketAddr, path: &str, accept: &str) -> (u16, String, String) {
    let request = reqwest::Client::new().get(format!("http://{address}{path}")).header("accept", accept);
    let answer = request.send().await.unwrap();
    let kind = answer.headers().get("content-type").map(|kind| kind.to_str().unwrap().to_owned());
    (answer.status().as_u16(), kind.unwrap_or_default(), answer.text().await.unwrap())
}

#[tokio::test]
async fn a_process_that_has_done_nothing_is_live_and_not_ready() {
    let telemetry = telemetry(ROLES[0]);
    let (address, stop, task) = serve(&telemetry).await;
    let (status, _, text) = get(address, "/livez", "*/*").await;
    assert_eq!((status, text.as_str()), (200, "live\n"));
    let (status, kind, text) = get(address, "/readyz", "*/*").await;
    assert_eq!((status, kind.as_str()), (503, "text/plain; charset=utf-8"));
    let expected = "not ready\n[RDY-002] no L1 block was processed yet: the role is catching up\n";
    assert_eq!(text, expected);
    let (status, kind, json) = get(address, "/readyz", "application/json").await;
    let json: Value = serde_json::from_str(&json).unwrap();
    assert_eq!((status, kind.as_str(), &json["ready"]), (503, "application/json", &Value::Bool(false)));
    assert_eq!(json["reasons"][0]["code"], "RDY-002");
    let (_, _, json) = get(address, "/status", "*/*").await;
    let json: Value = serde_json::from_str(&json).unwrap();
    assert_eq!((&json["role"], &json["identity"]), (&Value::from("sequencer"), &Value::from("3")));
    assert_eq!((&json["l1"], &json["version"]), (&Value::Null, &Value::from("1.2.3")));
    assert_eq!(get(address, "/other", "*/*").await.0, 404);

    telemetry.watch("sequencer").fail("the journal failed");
    let (status, _, text) = get(address, "/livez", "*/*").await;
    assert_eq!((status, text.as_str()), (503, "not live: sequencer: the journal failed\n"));
    let (_, _, json) = get(address, "/livez", "application/json").await;
    assert_eq!(serde_json::from_str::<Value>(&json).unwrap()["reason"], "sequencer: the journal failed");
    drop(stop);
    task.await.unwrap().unwrap();
}

#[tokio::test]
async fn metrics_are_open_metrics_text_with_a_bounded_number_of_series() {
    for role in ROLES {
        let telemetry = telemetry(role);
        let (address, _stop, _task) = serve(&telemetry).await;
        let (status, kind, text) = get(address, "/metrics", "*/*").await;
        assert_eq!(status, 200);
        assert_eq!(kind, "application/openmetrics-text; version=1.0.0; charset=utf-8");
        assert!(text.ends_with("# EOF\n"));
        let build =
            format!("fernet_build_info{{role=\"{}\",version=\"1.2.3\",commit=\"abc\"}} 1", role.name());
        assert!(text.contains(&build), "{text}");
        assert!(text.contains("fernet_ready 0\n") && text.contains("fernet_live 1\n"));
        assert!(text.contains("fernet_not_ready{code=\"RDY-002\"} 1\n"));
        let mut families = BTreeSet::new();
        for help in text.lines().filter_map(|line| line.strip_prefix("# HELP ")) {
            let (name, about) = help.split_once(' ').unwrap();
            assert!(name.starts_with("fernet_") && !about.is_empty(), "{help}");
            assert!(families.insert(name), "{name} is registered twice");
        }
        let series = text.lines().filter(|line| !line.starts_with('#')).count();
        assert!((100..600).contains(&series), "{}: {series} series", role.name());
    }
}

#[tokio::test]
async fn a_client_that_never_finishes_its_request_doesnt_hold_up_the_end() {
    let telemetry = telemetry(ROLES[2]);
    let (address, stop, task) = serve(&telemetry).await;
    let mut slow = TcpStream::connect(address).await.unwrap();
    slow.write_all(b"GET /metrics HTTP/1.1\r\nHost: x\r\n").await.unwrap();
    // Another request shows that the server has taken both connections.
    assert_eq!(get(address, "/livez", "*/*").await.0, 200);
    drop(stop);
    tokio::time::timeout(Duration::from_secs(60), task).await.expect("an end").unwrap().unwrap();
}
