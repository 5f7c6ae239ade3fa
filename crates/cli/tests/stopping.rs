//! A devnet that is stopped ends cleanly, whatever it is doing, and leaves no process behind.
#![cfg(unix)]

mod common;

use std::{
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::{TcpListener, TcpStream},
    thread,
};

use common::{Running, devnet, fernet, root};
use serde_json::Value;

/// When a stop is asked for.
#[derive(Debug, Clone, Copy)]
enum Moment {
    /// After a line on stderr with this text.
    Log(&'static str),
    /// After so many lines on stderr.
    LogLine(usize),
    /// After so many slots.
    Slot(usize),
}

/// Moments of set-up, of a slot and between slots, and some that only a number names.
const MOMENTS: [Moment; 11] = [
    Moment::Log("loading the proving keys"),
    Moment::Log("starting L1"),
    Moment::Log("deploying the contracts"),
    Moment::Log("registering sequencers"),
    Moment::Log("activity=\"waiting\""),
    Moment::Log("activity=\"proposal\""),
    Moment::Log("activity=\"exclusive proving\""),
    Moment::Slot(1),
    Moment::LogLine(6),
    Moment::LogLine(23),
    Moment::LogLine(61),
];

fn wait_for(running: &mut Running, moment: Moment) {
    match moment {
        Moment::Log(text) => {
            running.stderr.find(text).unwrap_or_else(|| panic!("no line {text:?}"));
        }
        Moment::LogLine(number) => (0..number).for_each(|_| {
            running.stderr.next().expect("another line");
        }),
        Moment::Slot(number) => (0..number).for_each(|_| {
            running.stdout.next().expect("another slot");
        }),
    }
}

fn last_line(stdout: &[String]) -> Value {
    serde_json::from_str(stdout.last().expect("a last line")).expect("JSON")
}

#[test]
fn a_stop_at_any_moment_ends_with_the_summary_or_says_what_is_missing() {
    for (moment, signal) in MOMENTS.into_iter().zip(["INT", "TERM"].into_iter().cycle()) {
        let mut running = Running::start(devnet(31_701, &["--format", "json"]));
        wait_for(&mut running, moment);
        running.signal(signal);
        let (status, stdout, stderr) = running.end();
        assert_eq!(status.code(), Some(0), "{moment:?} {signal}: {stderr:#?}");
        let last = last_line(&stdout);
        if let Some(during) = last["stopped"]["during"].as_str() {
            assert!(!during.is_empty() && stdout.len() == 1, "{moment:?}: {stdout:?}");
            continue;
        }
        let summary = &last["summary"];
        assert_eq!(summary["stopped"], true, "{moment:?}: {summary}");
        assert_eq!(summary["conservation"]["holds"], true, "{moment:?}: {summary}");
        assert_eq!(summary["slots"], stdout.len() - 1, "{moment:?}: {summary}");
        let missing = summary["missing"].as_array().expect("a list");
        assert_eq!(summary["withdrawal"].is_null(), !missing.is_empty(), "{moment:?}: {summary}");
        assert!(!root().join("deployments/31701.json").exists(), "its chain is gone");
    }
}

#[test]
fn a_second_stop_leaves_at_once() {
    for moment in [Moment::Log("activity=\"waiting\""), Moment::Log("activity=\"exclusive proving\"")] {
        let mut running = Running::start(devnet(31_702, &[]));
        wait_for(&mut running, moment);
        running.signal("INT");
        running.stderr.find("asked to stop").expect("an answer to the first request");
        running.signal("INT");
        let (status, stdout, stderr) = running.end();
        assert_eq!(status.code(), Some(130), "{moment:?}: {stderr:#?}");
        assert!(!stdout.iter().any(|line| line.starts_with("tokens")), "{moment:?}: {stdout:?}");
        assert!(!root().join("deployments/31702.json").exists(), "its chain is gone");
    }
}

/// The address in the line that says where L1 is.
fn rpc_address(running: &mut Running) -> String {
    let line = running.stderr.find("L1 is ready").expect("L1");
    let (_, rest) = line.split_once("rpc=http://").expect("its address");
    rest.split(['/', ' ']).next().expect("an address").to_owned()
}

#[test]
fn a_killed_devnet_leaves_no_anvil_behind() {
    let mut running = Running::start(devnet(31_703, &["--l1", "anvil"]));
    let mut anvil = TcpStream::connect(rpc_address(&mut running)).expect("anvil");
    running.signal("KILL");
    // The connection ends when anvil does.
    let ended = anvil.read(&mut [0]);
    assert!(matches!(ended, Ok(0) | Err(_)), "{ended:?}");
    assert!(!running.end().0.success());
}

#[test]
fn a_port_that_another_process_has_is_not_taken_over() {
    let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a port");
    let port = listener.local_addr().expect("its number").port().to_string();
    for l1 in ["anvil", "embedded"] {
        let running = Running::start(devnet(31_704, &["--l1", l1, "--rpc-port", &port]));
        let (status, _, stderr) = running.end();
        assert_eq!(status.code(), Some(1), "{stderr:#?}");
        let error = stderr.iter().find(|line| line.starts_with("error: ")).expect("an error");
        assert!(error.contains(&port), "{error}");
    }
    listener.set_nonblocking(true).expect("an option");
    while let Ok((mut connection, _)) = listener.accept() {
        let mut sent = Vec::new();
        connection.set_nonblocking(false).expect("an option");
        connection.read_to_end(&mut sent).expect("the end");
        assert!(sent.is_empty(), "it was spoken to: {:?}", String::from_utf8_lossy(&sent));
    }
}

/// Answers like a node whose chain has its genesis block only and makes no other.
fn serve_a_still_chain(listener: &TcpListener) {
    for connection in listener.incoming() {
        let mut connection = BufReader::new(connection.expect("a connection"));
        let mut length = 0;
        let mut line = String::new();
        while connection.read_line(&mut line).expect("a header") > 2 {
            if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
                length = value.trim().parse().expect("a length");
            }
            line.clear();
        }
        let mut body = vec![0; length];
        connection.read_exact(&mut body).expect("a body");
        let request: Value = serde_json::from_slice(&body).expect("a request");
        let mut answer = serde_json::json!({ "jsonrpc": "2.0", "id": request["id"] });
        match request["method"].as_str() {
            Some("eth_chainId") => answer["result"] = "0x7a69".into(),
            Some("eth_blockNumber") => answer["result"] = "0x0".into(),
            _ => answer["error"] = serde_json::json!({ "code": -32601, "message": "method not found" }),
        }
        let answer = answer.to_string();
        // A devnet that was stopped doesn't read the last answer.
        let _ = write!(
            connection.get_mut(),
            "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\
             Connection: close\r\n\r\n{answer}",
            answer.len()
        );
    }
}

#[test]
fn an_l1_that_makes_no_blocks_is_named_and_one_stop_ends_the_wait() {
    let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("its address"));
    thread::spawn(move || serve_a_still_chain(&listener));
    let mut running = Running::start(fernet(&["devnet", "--l1", &url, "--format", "json"]));
    let line = running.stderr.find("L1 makes no blocks").expect("a warning");
    assert!(line.contains(&url) && line.contains("block=0"), "{line}");
    running.signal("INT");
    let (status, stdout, stderr) = running.end();
    assert_eq!(status.code(), Some(0), "{stderr:#?}");
    let during = last_line(&stdout)["stopped"]["during"].as_str().expect("a reason").to_owned();
    assert!(during.contains("it has made no block after block 0"), "{during}");
}
