//! Endpoints over WebSocket: connections that break, stall, talk nonsense or too much.

mod common;

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use alloy::{primitives::U256, providers::Provider as _};
use common::{Kind, TestL1, assert_mined, intent, signer};
use fernet_l1::{
    Accounts, FailureClass, Intent, L1Provider, Pool, RpcFailure, TxManager, TxStore, connect_pool,
    connect_url,
};
use futures_util::{SinkExt as _, StreamExt as _, future::join_all};
use serde_json::{Value, json};
use tokio::{
    io::AsyncWriteExt as _,
    net::{TcpListener, TcpStream},
    sync::mpsc,
};
use tokio_tungstenite::{
    WebSocketStream, accept_async, accept_hdr_async,
    tungstenite::{Message, handshake::server},
};
use url::Url;

const SECRETS: [&str; 4] = ["0123456789abcdef", "qwertzuiop", "secret-word", "some-user"];

type Socket = WebSocketStream<TcpStream>;

fn over_ws(url: &Url) -> Url {
    let mut url = url.clone();
    url.set_scheme("ws").unwrap();
    url
}

/// An address here with secrets in it.
fn secret_url(scheme: &str, port: u16) -> Url {
    let text =
        format!("{scheme}://some-user:secret-word@127.0.0.1:{port}/v3/0123456789abcdef?key=qwertzuiop");
    text.parse().unwrap()
}

async fn listen() -> (TcpListener, Url) {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let url = secret_url("ws", listener.local_addr().unwrap().port());
    (listener, url)
}

/// Serves each connection with `serve`, which gets its number from 0.
async fn serving<F>(serve: impl Fn(usize, Socket) -> F + Send + Sync + 'static) -> (Url, Arc<AtomicUsize>)
where
    F: Future<Output = ()> + Send + 'static,
{
    let (listener, url) = listen().await;
    let connections = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&connections);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let number = count.fetch_add(1, Ordering::SeqCst);
            let socket = accept_async(stream).await.unwrap();
            tokio::spawn(serve(number, socket));
        }
    });
    (url, connections)
}

async fn request(socket: &mut Socket) -> Value {
    let message = socket.next().await.unwrap().unwrap();
    serde_json::from_str(message.to_text().unwrap()).unwrap()
}

async fn say(socket: &mut Socket, message: Value) {
    socket.send(Message::text(message.to_string())).await.unwrap();
}

/// Answers every request with the number 7.
async fn answer_all(mut socket: Socket) {
    while let Some(Ok(message)) = socket.next().await {
        let Ok(text) = message.to_text() else { continue };
        let Ok(request) = serde_json::from_str::<Value>(text) else { continue };
        say(&mut socket, json!({"jsonrpc": "2.0", "id": request["id"], "result": "0x7"})).await;
    }
}

/// The failure of the next request: it may be tried again, and has no secrets.
async fn failure(provider: &L1Provider) -> RpcFailure {
    let failure = RpcFailure::from(provider.get_block_number().await.unwrap_err());
    let text = failure.to_string();
    assert!(failure.class().is_retryable(), "{text}");
    for secret in SECRETS {
        assert!(!text.contains(secret), "{text}");
    }
    failure
}

/// The next request is answered. After a failure of its only endpoint, the pool waits a moment before.
async fn succeeds_soon(provider: &L1Provider) {
    assert_eq!(provider.get_block_number().await.unwrap(), 7);
}

/// Clients of one pool and of several ones, requests at the same time, and a pool of both kinds.
#[tokio::test(flavor = "multi_thread")]
async fn the_client_works_over_websocket_and_in_mixed_pools() {
    let mut l1 = TestL1::start(Kind::Embedded).await;
    let (ws, http) = (over_ws(&l1.url), l1.url.clone());
    let dead: Url = "ws://127.0.0.1:1".parse().unwrap();
    for urls in [vec![ws.clone()], vec![ws.clone(), http.clone()], vec![http, dead, ws]] {
        let pool = Pool::of_urls(&urls).unwrap();
        // Both clients number their requests from 0.
        let (one, other) = (connect_pool(&pool), connect_pool(&pool));
        let head = l1.mine().await;
        let numbers = (0..=head.number).map(|number| one.get_block_by_number(number.into()).into_future());
        let asked = join_all(numbers);
        let (balance, blocks) = tokio::join!(other.get_balance(signer(0).address()), asked);
        assert!(balance.unwrap() > U256::ZERO);
        for (number, block) in blocks.into_iter().enumerate() {
            assert_eq!(block.unwrap().unwrap().header.number, number as u64);
        }
        let config = l1.config();
        let mut manager =
            TxManager::open(one, Accounts::new(signer(0)), TxStore::in_memory().unwrap(), config).unwrap();
        manager.tick(&l1.head().await).await.unwrap();
        let name = format!("pay {}", urls.len());
        manager.submit(Intent { value: U256::ONE, ..intent(&name, signer(1).address()) }).await.unwrap();
        manager.tick(&l1.mine().await).await.unwrap();
        assert_mined(&manager, &name);
        assert!(pool.health().iter().any(|endpoint| endpoint.failures == 0), "{pool:?}");
    }
}

/// Every request that is under way when the connection breaks fails, and the next one makes a new connection.
#[tokio::test]
async fn a_connection_that_breaks_fails_its_requests_and_is_made_again() {
    let (url, connections) = serving(|number, mut socket| async move {
        if number > 0 {
            return answer_all(socket).await;
        }
        for _ in 0..3 {
            request(&mut socket).await;
        }
        // Dropped without a word, with three requests under way.
    })
    .await;
    let provider = connect_url(&url).unwrap();
    let (one, two, three) = tokio::join!(failure(&provider), failure(&provider), failure(&provider));
    for failure in [one, two, three] {
        assert_eq!(failure.class(), FailureClass::TryAgain, "{failure}");
    }
    assert_eq!(connections.load(Ordering::SeqCst), 1);
    succeeds_soon(&provider).await;
    succeeds_soon(&provider).await;
    assert_eq!(connections.load(Ordering::SeqCst), 2);
}

/// An endpoint that says goodbye between two requests costs nothing.
#[tokio::test]
async fn a_connection_that_was_closed_while_idle_is_made_again() {
    let (sender, mut closed) = mpsc::unbounded_channel();
    let (url, connections) = serving(move |number, mut socket| {
        let sender = sender.clone();
        async move {
            if number > 0 {
                return answer_all(socket).await;
            }
            let id = request(&mut socket).await["id"].clone();
            say(&mut socket, json!({"jsonrpc": "2.0", "id": id, "result": "0x7"})).await;
            socket.close(None).await.unwrap();
            // The client answers the goodbye before its connection is over.
            while socket.next().await.is_some() {}
            sender.send(()).unwrap();
        }
    })
    .await;
    let provider = connect_url(&url).unwrap();
    succeeds_soon(&provider).await;
    closed.recv().await.unwrap();
    succeeds_soon(&provider).await;
    assert_eq!(connections.load(Ordering::SeqCst), 2);
}

/// What isn't JSON-RPC ends the connection.
#[tokio::test]
async fn garbage_ends_the_connection() {
    let garbage = [
        Message::text("<html>http://127.0.0.1/v3/0123456789abcdef</html>"),
        Message::text(""),
        Message::text("[]"),
        Message::text("{}"),
        Message::text("null"),
        Message::text(r#"{"jsonrpc": "2.0", "id": null, "result": "0x7"}"#),
        Message::binary(vec![0, 159, 146, 150]),
        Message::binary(b"secret-word".to_vec()),
    ];
    for message in garbage {
        let sent = message.clone();
        let (url, connections) = serving(move |number, mut socket| {
            let message = sent.clone();
            async move {
                if number > 0 {
                    return answer_all(socket).await;
                }
                request(&mut socket).await;
                socket.send(message).await.unwrap();
                while let Some(Ok(_)) = socket.next().await {}
            }
        })
        .await;
        let provider = connect_url(&url).unwrap();
        let text = failure(&provider).await.to_string();
        assert!(text.contains("the answer is not JSON-RPC"), "{message:?}: {text}");
        succeeds_soon(&provider).await;
        assert_eq!(connections.load(Ordering::SeqCst), 2);
    }
}

/// Frames that no client can decode: a reserved opcode, and text that isn't UTF-8.
#[tokio::test]
async fn broken_frames_end_the_connection() {
    for bytes in [[0x83_u8, 0x00].as_slice(), &[0x81, 0x02, 0xc3, 0x28]] {
        let (url, _) = serving(move |number, mut socket| async move {
            if number > 0 {
                return answer_all(socket).await;
            }
            request(&mut socket).await;
            socket.get_mut().write_all(bytes).await.unwrap();
            while let Some(Ok(_)) = socket.next().await {}
        })
        .await;
        let provider = connect_url(&url).unwrap();
        failure(&provider).await;
        succeeds_soon(&provider).await;
    }
}

/// An answer has at most 64 MiB, in one frame or in many. A longer one isn't read to its end.
#[tokio::test]
async fn an_answer_that_is_too_long_is_refused() {
    let limit: u64 = 64 << 20;
    for is_fragmented in [false, true] {
        let (url, _) = serving(move |number, mut socket| async move {
            if number > 0 {
                return answer_all(socket).await;
            }
            request(&mut socket).await;
            let stream = socket.get_mut();
            // The first part of a text, and then further parts.
            let header = |opcode: u8, length: u64| [&[opcode, 127], length.to_be_bytes().as_slice()].concat();
            if is_fragmented {
                let part = vec![b' '; 1 << 20];
                for number in 0..=(limit >> 20) {
                    let header = header(u8::from(number == 0), part.len() as u64);
                    let sent = async {
                        stream.write_all(&header).await?;
                        stream.write_all(&part).await
                    };
                    if sent.await.is_err() {
                        return;
                    }
                }
            } else {
                stream.write_all(&header(0x81, limit + 1)).await.unwrap();
            }
            while let Some(Ok(_)) = socket.next().await {}
        })
        .await;
        let provider = connect_url(&url).unwrap();
        let text = failure(&provider).await.to_string();
        assert_eq!(text, "the L1 endpoint gave no usable answer: the answer is too long");
        succeeds_soon(&provider).await;
    }
}

/// Notifications, answers to nobody and pings are passed over. A refusal that names no request is for all of
/// them.
#[tokio::test]
async fn other_messages_are_passed_over() {
    let (url, connections) = serving(|_, mut socket| async move {
        let id = request(&mut socket).await["id"].clone();
        say(&mut socket, json!({"jsonrpc": "2.0", "method": "eth_subscription", "params": {}})).await;
        say(&mut socket, json!({"jsonrpc": "2.0", "id": 999, "result": "0x9"})).await;
        socket.send(Message::Ping(Default::default())).await.unwrap();
        say(&mut socket, json!({"jsonrpc": "2.0", "id": id, "result": "0x7"})).await;
        let asked = async |socket: &mut Socket| {
            while !socket.next().await.unwrap().unwrap().is_text() {}
        };
        asked(&mut socket).await;
        let error = json!({"code": -32005, "message": "0123456789abcdef may ask less"});
        say(&mut socket, json!({"jsonrpc": "2.0", "id": null, "error": error})).await;
        asked(&mut socket).await;
        answer_all(socket).await;
    })
    .await;
    let provider = connect_url(&url).unwrap();
    succeeds_soon(&provider).await;
    let refused = failure(&provider).await;
    assert_eq!(refused.to_string(), "the L1 node refused: [hidden] may ask less (code -32005)");
    assert_eq!(connections.load(Ordering::SeqCst), 1);
}

/// The path, the query and the user of a URL reach the endpoint, and nobody else.
#[tokio::test]
async fn the_handshake_has_what_the_url_says() {
    let (listener, url) = listen().await;
    let (sender, mut seen) = mpsc::unbounded_channel();
    tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        #[allow(clippy::result_large_err)] // it is the library's
        let look = |request: &server::Request, answer: server::Response| {
            let header = |name: &str| request.headers()[name].to_str().unwrap().to_owned();
            sender.send((request.uri().to_string(), header("authorization"), header("host"))).unwrap();
            Ok(answer)
        };
        answer_all(accept_hdr_async(stream, look).await.unwrap()).await;
    });
    let provider = connect_url(&url).unwrap();
    succeeds_soon(&provider).await;
    let (uri, authorization, host) = seen.recv().await.unwrap();
    assert_eq!(uri, "/v3/0123456789abcdef?key=qwertzuiop");
    // some-user:secret-word
    assert_eq!(authorization, "Basic c29tZS11c2VyOnNlY3JldC13b3Jk");
    assert_eq!(host, format!("127.0.0.1:{}", url.port().unwrap()));
}

/// Endpoints refuse a connection with the statuses of HTTP. Others don't speak WebSocket at all.
#[tokio::test]
async fn a_connection_that_is_refused_says_why() {
    let cases = [
        ("401 Unauthorized", "secret-word is wrong", FailureClass::Operator, "HTTP error 401"),
        ("429 Too Many Requests\r\nretry-after: 0", "qwertzuiop", FailureClass::TryAgain, "HTTP error 429"),
        ("502 Bad Gateway", "", FailureClass::TryAgain, "HTTP error 502"),
        ("200 OK", "0123456789abcdef", FailureClass::TryAgain, "HTTP error 200"),
    ];
    for (head, body, class, expected) in cases {
        let (listener, url) = listen().await;
        tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut request = Vec::new();
            while !request.ends_with(b"\r\n\r\n") {
                tokio::io::AsyncReadExt::read_buf(&mut stream, &mut request).await.unwrap();
            }
            let length = body.len();
            let answer = format!("HTTP/1.1 {head}\r\ncontent-length: {length}\r\n\r\n{body}");
            stream.write_all(answer.as_bytes()).await.unwrap();
        });
        let failure = failure(&connect_url(&url).unwrap()).await;
        assert_eq!(failure.class(), class, "{head}: {failure}");
        assert!(failure.to_string().contains(expected), "{head}: {failure}");
    }
    // Nobody listens, and nobody speaks TLS.
    let (listener, url) = listen().await;
    drop(listener);
    failure(&connect_url(&url).unwrap()).await;
    let (url, _) = serving(|_, socket| answer_all(socket)).await;
    let plain = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let tls = secret_url("wss", plain.local_addr().unwrap().port());
    tokio::spawn(async move {
        let (mut stream, _) = plain.accept().await.unwrap();
        stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await.unwrap();
    });
    failure(&connect_url(&tls).unwrap()).await;
    // Beside one that works, all of that costs one attempt.
    let provider = connect_pool(&Pool::of_urls(&[tls, url]).unwrap());
    succeeds_soon(&provider).await;
}
