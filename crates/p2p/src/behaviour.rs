//! The protocols, with their limits and scores.

use std::collections::HashSet;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::num::NonZeroUsize;
use std::time::Duration;

use fernet_network::answer::{CONTACTS, QUOTES};
use fernet_network::message::{MAX_BODY_BYTES, MAX_QUOTE_BYTES, MAX_QUOTE_REQUEST_BYTES};
use fernet_network::{MessageId, Topic};
use libp2p::StreamProtocol;
use libp2p::gossipsub::{
    self, IdentTopic, MaxCountSubscriptionFilter, MessageAuthenticity, PeerScoreParams, PeerScoreThresholds,
    TopicHash, TopicScoreParams, ValidationMode, WhitelistSubscriptionFilter,
};
use libp2p::kad::store::{MemoryStore, MemoryStoreConfig};
use libp2p::request_response::{self, ProtocolSupport};
use libp2p::swarm::NetworkBehaviour;
use libp2p::swarm::behaviour::toggle::Toggle;
use libp2p::{
    Swarm, SwarmBuilder, allow_block_list, autonat, connection_limits, identify, kad, noise, ping, tcp, upnp,
    yamux,
};

use crate::codec::Bounded;
use crate::config::{Config, Nat};
use crate::error::P2pError;

/// Score below which a peer is banned.
pub(crate) const BAN_SCORE: f64 = -100.0;

/// Streams of one connection, in each direction.
const MAX_STREAMS: u32 = 64;

/// Bytes that QUIC takes of one connection before they are read.
const QUIC_CONNECTION_BYTES: u32 = 4 << 20;

/// Bytes that QUIC takes of one stream before they are read.
const QUIC_STREAM_BYTES: u32 = 1 << 20;

/// Messages of gossip that wait for one peer. Older ones are dropped: a peer that never reads costs 2 MiB.
const GOSSIP_QUEUE: usize = 512;

/// Time to serve or fetch a body.
pub(crate) const BODY_TIME: Duration = Duration::from_secs(20);

/// Time to answer a request for quotes.
pub(crate) const QUOTE_TIME: Duration = Duration::from_secs(30);

/// Time for a short message.
const SHORT_TIME: Duration = Duration::from_secs(10);

pub(crate) type Gossipsub = gossipsub::Behaviour<
    gossipsub::IdentityTransform,
    MaxCountSubscriptionFilter<WhitelistSubscriptionFilter>,
>;

pub(crate) type Exchange = request_response::Behaviour<Bounded>;

#[derive(NetworkBehaviour)]
pub(crate) struct Behaviour {
    limits: connection_limits::Behaviour,
    pub(crate) blocked: allow_block_list::Behaviour<allow_block_list::BlockedPeers>,
    pub(crate) identify: identify::Behaviour,
    ping: ping::Behaviour,
    pub(crate) kad: kad::Behaviour<MemoryStore>,
    pub(crate) gossip: Gossipsub,
    pub(crate) bodies: Exchange,
    pub(crate) quotes: Exchange,
    pub(crate) accepted: Exchange,
    pub(crate) contacts: Exchange,
    upnp: Toggle<upnp::tokio::Behaviour>,
    autonat: Toggle<autonat::Behaviour>,
}

/// The topic as gossipsub names it.
pub(crate) fn gossip_topic(protocol: &str, topic: Topic) -> IdentTopic {
    IdentTopic::new(format!("{protocol}/{}", topic.name()))
}

fn stream_protocol(config: &Config, name: &str) -> Result<StreamProtocol, P2pError> {
    StreamProtocol::try_from_owned(format!("{}/{name}", config.protocol()))
        .map_err(|error| P2pError::Setup(error.to_string()))
}

fn exchange(
    config: &Config,
    name: &str,
    codec: Bounded,
    time: Duration,
    streams: usize,
) -> Result<Exchange, P2pError> {
    let settings =
        request_response::Config::default().with_request_timeout(time).with_max_concurrent_streams(streams);
    let protocol = (stream_protocol(config, name)?, ProtocolSupport::Full);
    Ok(Exchange::with_codec(codec, [protocol], settings))
}

fn gossip(config: &Config) -> Result<Gossipsub, P2pError> {
    let protocol = config.protocol();
    let topics = Topic::ALL.map(|topic| (topic, gossip_topic(&protocol, topic)));
    let hashes: Vec<(TopicHash, Topic)> = topics.iter().map(|(topic, name)| (name.hash(), *topic)).collect();
    let mut builder = gossipsub::ConfigBuilder::default();
    let names = hashes.clone();
    builder
        .protocol_id_prefix(format!("{protocol}/meshsub"))
        .validation_mode(ValidationMode::Anonymous)
        .validate_messages()
        .message_id_fn(move |message| {
            let topic = names.iter().find(|(hash, _)| *hash == message.topic);
            // Messages of other topics are refused before they have an id.
            let id = topic.map(|(_, topic)| MessageId::of(*topic, &message.data).get());
            gossipsub::MessageId::new(id.unwrap_or_default().as_slice())
        })
        .heartbeat_initial_delay(Duration::from_millis(500))
        // Verdicts may take as long as a message is remembered.
        .history_length(12)
        .duplicate_cache_time(Duration::from_secs(120))
        .max_publish_messages(128)
        .connection_handler_queue_len(GOSSIP_QUEUE)
        .graft_flood_threshold(Duration::from_secs(10))
        .prune_backoff(Duration::from_secs(30));
    for (hash, topic) in &hashes {
        // The limit counts the frame too.
        builder.max_transmit_size_for_topic(topic.max_bytes() + 512, hash.clone());
    }
    let settings = builder.build().map_err(|error| P2pError::Setup(error.to_string()))?;
    let whitelist: HashSet<TopicHash> = hashes.iter().map(|(hash, _)| hash.clone()).collect();
    let filter = MaxCountSubscriptionFilter {
        filter: WhitelistSubscriptionFilter(whitelist),
        max_subscribed_topics: Topic::ALL.len(),
        max_subscriptions_per_request: 2 * Topic::ALL.len(),
    };
    let setup = |error: &str| P2pError::Setup(error.to_owned());
    let mut gossip =
        Gossipsub::new_with_subscription_filter(MessageAuthenticity::Anonymous, settings, filter)
            .map_err(setup)?;
    gossip.with_peer_score(scores(&hashes), thresholds()).map_err(|error| setup(&error))?;
    for (_, name) in &topics {
        gossip.subscribe(name).map_err(|error| P2pError::Setup(error.to_string()))?;
    }
    Ok(gossip)
}

/// What a peer's conduct is worth. Wrong messages cost the square of their number, halved about every three
/// minutes: three are forgiven, ten are a ban. Silence costs nothing, as topics may be quiet.
fn scores(topics: &[(TopicHash, Topic)]) -> PeerScoreParams {
    let second = Duration::from_secs(1);
    let topic = TopicScoreParams {
        topic_weight: 1.0,
        time_in_mesh_weight: 0.01,
        time_in_mesh_quantum: second,
        time_in_mesh_cap: 300.0,
        first_message_deliveries_weight: 0.1,
        first_message_deliveries_decay: gossipsub::score_parameter_decay(Duration::from_secs(600)),
        first_message_deliveries_cap: 50.0,
        mesh_message_deliveries_weight: 0.0,
        mesh_failure_penalty_weight: 0.0,
        invalid_message_deliveries_weight: -1.0,
        invalid_message_deliveries_decay: gossipsub::score_parameter_decay(Duration::from_secs(1200)),
        ..TopicScoreParams::default()
    };
    let loopback = [IpAddr::V4(Ipv4Addr::LOCALHOST), IpAddr::V6(Ipv6Addr::LOCALHOST)];
    PeerScoreParams {
        topics: topics.iter().map(|(hash, _)| (hash.clone(), topic.clone())).collect(),
        topic_score_cap: 20.0,
        app_specific_weight: 1.0,
        ip_colocation_factor_weight: -5.0,
        ip_colocation_factor_threshold: 8.0,
        ip_colocation_factor_whitelist: loopback.into_iter().collect(),
        behaviour_penalty_weight: -1.0,
        // A node that is overloaded for a while breaks some promises too.
        behaviour_penalty_threshold: 10.0,
        behaviour_penalty_decay: gossipsub::score_parameter_decay(Duration::from_secs(120)),
        decay_interval: second,
        // A peer that is slow, on a busy machine, isn't hostile: its queue drops what it doesn't read.
        slow_peer_weight: 0.0,
        ..PeerScoreParams::default()
    }
}

fn thresholds() -> PeerScoreThresholds {
    PeerScoreThresholds {
        gossip_threshold: -20.0,
        publish_threshold: -50.0,
        graylist_threshold: BAN_SCORE,
        accept_px_threshold: 10.0,
        opportunistic_graft_threshold: 2.0,
    }
}

fn kademlia(config: &Config) -> Result<kad::Behaviour<MemoryStore>, P2pError> {
    let peer = config.identity.libp2p_id();
    let mut settings = kad::Config::new(stream_protocol(config, "kad/1")?);
    settings
        .set_query_timeout(Duration::from_secs(20))
        // It finds peers only: nobody's records are kept.
        .set_record_filtering(kad::StoreInserts::FilterBoth)
        .set_max_packet_size(16 << 10);
    let store = MemoryStoreConfig { max_records: 0, max_provided_keys: 0, ..MemoryStoreConfig::default() };
    Ok(kad::Behaviour::with_config(peer, MemoryStore::with_config(peer, store), settings))
}

impl Behaviour {
    fn new(config: &Config) -> Result<Self, P2pError> {
        let limits = config.limits;
        let connections = connection_limits::ConnectionLimits::default()
            .with_max_pending_incoming(Some(32))
            .with_max_pending_outgoing(Some(32))
            // A peer that connects again has two connections until the old one is found dead.
            .with_max_established_incoming(Some(limits.inbound_peers))
            .with_max_established(Some(limits.peers))
            .with_max_established_per_peer(Some(2));
        let public = config.identity.keypair().public();
        let agent = concat!("fernet/", env!("CARGO_PKG_VERSION"));
        let identity = identify::Config::new(config.protocol(), public).with_agent_version(agent.to_owned());
        let body = Bounded { max_request: 32, max_response: MAX_BODY_BYTES };
        let quote = Bounded { max_request: MAX_QUOTE_REQUEST_BYTES, max_response: QUOTES.max_bytes() };
        let accepted = Bounded { max_request: MAX_QUOTE_BYTES, max_response: 0 };
        let contacts = Bounded { max_request: 0, max_response: CONTACTS.max_bytes() };
        let is_asked = config.nat == Nat::Asked;
        let autonat = is_asked
            .then(|| autonat::Behaviour::new(config.identity.libp2p_id(), autonat::Config::default()));
        Ok(Self {
            limits: connection_limits::Behaviour::new(connections),
            blocked: allow_block_list::Behaviour::default(),
            identify: identify::Behaviour::new(identity),
            ping: ping::Behaviour::default(),
            kad: kademlia(config)?,
            gossip: gossip(config)?,
            bodies: exchange(config, "bodies/1", body, BODY_TIME, 4)?,
            quotes: exchange(config, "quotes/1", quote, QUOTE_TIME, 8)?,
            accepted: exchange(config, "accepted/1", accepted, SHORT_TIME, 4)?,
            contacts: exchange(config, "contacts/1", contacts, SHORT_TIME, 2)?,
            upnp: is_asked.then(upnp::tokio::Behaviour::default).into(),
            autonat: autonat.into(),
        })
    }
}

/// The node's transports and protocols. It doesn't listen yet.
pub(crate) fn swarm(config: &Config) -> Result<Swarm<Behaviour>, P2pError> {
    let setup = |error: String| P2pError::Setup(error);
    let behaviour = Behaviour::new(config)?;
    let streams = NonZeroUsize::new(MAX_STREAMS as usize).map_or(1, NonZeroUsize::get);
    let multiplexer = move || {
        let mut settings = yamux::Config::default();
        settings.set_max_num_streams(streams);
        settings
    };
    let swarm = SwarmBuilder::with_existing_identity(config.identity.keypair().clone())
        .with_tokio()
        .with_tcp(tcp::Config::default().nodelay(true), noise::Config::new, multiplexer)
        .map_err(|error| setup(error.to_string()))?
        .with_quic_config(|mut quic| {
            quic.max_concurrent_stream_limit = MAX_STREAMS;
            quic.max_stream_data = QUIC_STREAM_BYTES;
            quic.max_connection_data = QUIC_CONNECTION_BYTES;
            quic
        })
        .with_dns()
        .map_err(|error| setup(error.to_string()))?
        .with_behaviour(|_| behaviour)
        .map_err(|error| setup(error.to_string()))?
        .with_swarm_config(|swarm| {
            swarm
                .with_idle_connection_timeout(Duration::from_secs(600))
                .with_max_negotiating_inbound_streams(32)
        })
        .build();
    Ok(swarm)
}
