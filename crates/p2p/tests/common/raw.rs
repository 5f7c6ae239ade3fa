//! A hostile peer: a libp2p node that writes any bytes to any protocol.

use std::io;
use std::time::Duration;

use fernet_p2p::Multiaddr;
use libp2p::futures::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, StreamExt};
use libp2p::request_response::{self, Codec, ProtocolSupport};
use libp2p::swarm::SwarmEvent;
use libp2p::swarm::dial_opts::DialOpts;
use libp2p::{PeerId, StreamProtocol, Swarm, SwarmBuilder, multiaddr, noise, tcp, yamux};

/// What the peer does with a stream after it wrote.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum After {
    /// It reads the answer.
    Read,
    /// It never reads, and keeps the stream open.
    Hang,
}

/// Writes bytes as they are.
#[derive(Debug, Clone, Copy)]
struct AnyBytes(After);

impl Codec for AnyBytes {
    type Protocol = StreamProtocol;
    type Request = Vec<u8>;
    type Response = Vec<u8>;

    async fn read_request<T>(&mut self, _: &StreamProtocol, io: &mut T) -> io::Result<Vec<u8>>
    where
        T: AsyncRead + Unpin + Send,
    {
        let mut bytes = Vec::new();
        io.take(1 << 20).read_to_end(&mut bytes).await?;
        Ok(bytes)
    }

    async fn read_response<T>(&mut self, _: &StreamProtocol, io: &mut T) -> io::Result<Vec<u8>>
    where
        T: AsyncRead + Unpin + Send,
    {
        match self.0 {
            After::Read => {
                let mut bytes = Vec::new();
                io.take(64 << 20).read_to_end(&mut bytes).await?;
                Ok(bytes)
            }
            After::Hang => std::future::pending().await,
        }
    }

    async fn write_request<T>(&mut self, _: &StreamProtocol, io: &mut T, bytes: Vec<u8>) -> io::Result<()>
    where
        T: AsyncWrite + Unpin + Send,
    {
        io.write_all(&bytes).await?;
        io.flush().await?;
        if self.0 == After::Read {
            io.close().await?;
        }
        Ok(())
    }

    async fn write_response<T>(&mut self, _: &StreamProtocol, io: &mut T, bytes: Vec<u8>) -> io::Result<()>
    where
        T: AsyncWrite + Unpin + Send,
    {
        io.write_all(&bytes).await?;
        io.close().await
    }
}

/// A peer that speaks one protocol, as badly as it likes.
pub(crate) struct Raw {
    swarm: Swarm<request_response::Behaviour<AnyBytes>>,
    target: PeerId,
}

impl Raw {
    /// Connects to the node at `address`, as a peer that speaks `protocol` of the tests' rollup.
    pub(crate) async fn connect(address: &Multiaddr, protocol: &str, after: After) -> Self {
        let name = format!("{}/{protocol}", super::config(Vec::new()).protocol());
        let protocol = StreamProtocol::try_from_owned(name).unwrap();
        let settings = request_response::Config::default()
            .with_request_timeout(Duration::from_secs(60))
            .with_max_concurrent_streams(10_000);
        let behaviour = request_response::Behaviour::with_codec(
            AnyBytes(after),
            [(protocol, ProtocolSupport::Full)],
            settings,
        );
        let mut swarm = SwarmBuilder::with_new_identity()
            .with_tokio()
            .with_tcp(tcp::Config::default(), noise::Config::new, yamux::Config::default)
            .unwrap()
            .with_behaviour(|_| behaviour)
            .unwrap()
            .with_swarm_config(|swarm| swarm.with_idle_connection_timeout(Duration::from_secs(60)))
            .build();
        let Some(multiaddr::Protocol::P2p(target)) = address.iter().last() else { panic!("{address}") };
        swarm.dial(DialOpts::peer_id(target).addresses(vec![address.clone()]).build()).unwrap();
        loop {
            match swarm.select_next_some().await {
                SwarmEvent::ConnectionEstablished { .. } => return Self { swarm, target },
                SwarmEvent::OutgoingConnectionError { error, .. } => panic!("{error}"),
                _ => {}
            }
        }
    }

    /// This peer, as the node names it.
    pub(crate) fn id(&self) -> PeerId {
        *self.swarm.local_peer_id()
    }

    /// Writes bytes on a stream of their own.
    pub(crate) fn send(&mut self, bytes: Vec<u8>) {
        self.swarm.behaviour_mut().send_request(&self.target, bytes);
    }

    pub(crate) fn is_connected(&self) -> bool {
        self.swarm.is_connected(&self.target)
    }

    /// Does what is to be done for a while. Returns the answers.
    pub(crate) async fn run(&mut self, time: Duration) -> Vec<Vec<u8>> {
        let mut answers = Vec::new();
        let until = tokio::time::Instant::now() + time;
        while let Ok(event) = tokio::time::timeout_at(until, self.swarm.select_next_some()).await {
            if let SwarmEvent::Behaviour(request_response::Event::Message {
                message: request_response::Message::Response { response, .. },
                ..
            }) = event
            {
                answers.push(response);
            }
        }
        answers
    }
}
