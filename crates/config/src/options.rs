//! All options: the only place that says what there is.

use std::{net::SocketAddr, path::PathBuf, time::Duration};

use alloy_primitives::Address;
use fernet_protocol::{Price, TokenAmount};

use crate::{
    definition::{Definition, Role, Section},
    layers::Layers,
    setting::Setting,
    types::{
        BlobIds, Bounded, Commitment, Endpoint, LogFormat, Multiaddr, Network, OrNever, PasswordReference,
        Sidecars, SignerKind, SignerName, Wei,
    },
};

/// Defines a table: its text, and for each option its text, type, default and example.
macro_rules! options {
    (
        $(#[doc = $about:literal])+
        $name:ident in $section:literal for [$($role:ident),*] {
            $(
                $(#[doc = $doc:literal])+
                $key:ident: $type:ty = $default:expr, $example:literal
                $(, alias $alias:literal)? $(, needed by [$($needed:ident),*])?;
            )*
        }
    ) => {
        $(#[doc = $about])+
        #[derive(Debug, Clone, PartialEq, Eq)]
        pub struct $name {
            $($(#[doc = $doc])+ pub $key: $type,)*
        }

        impl $name {
            pub(crate) const SECTION: Section = Section {
                name: $section,
                doc: &[$($about),+],
                roles: &[$(Role::$role),*],
                options: &[$(Definition {
                    section: $section,
                    key: stringify!($key),
                    doc: &[$($doc),+],
                    expected: <$type as Setting>::expected,
                    default: $default,
                    example: $example,
                    alias: options!(@alias $($alias)?),
                    needed_by: &[$($(Role::$needed),*)?],
                }),*],
            };

            /// Reads the table of this name. `None` after an error.
            pub(crate) fn read(layers: &mut Layers, section: &str) -> Option<Self> {
                let mut options = Self::SECTION.options.iter();
                $(let $key = options.next().and_then(|option| layers.read::<$type>(section, option));)*
                Some(Self { $($key: $key?),* })
            }

            /// Each option with its value as the file would have it; empty without one.
            pub(crate) fn shown(&self) -> Vec<(&'static Definition, String)> {
                let values = [$(Setting::show(&self.$key)),*];
                Self::SECTION.options.iter().zip(values).collect()
            }
        }
    };
    (@alias) => { None };
    (@alias $alias:literal) => { Some($alias) };
}

options! {
    /// What stands before all tables.
    RollupOptions in "" for [Sequencer, Prover, Node] {
        /// Name of the deployment: that of a file in script/config. It fixes L1's chain id, and the
        /// deployment file is looked for under that id if l1.deployment names none.
        network: Option<Network> = None, "\"sepolia\"";
    }
}

options! {
    /// The L1: endpoints, blobs, and the contracts.
    L1Options in "l1" for [Sequencer, Prover, Node] {
        /// JSON-RPC endpoints of the L1. With several, one that fails or lags costs milliseconds instead of a
        /// slot. An address with a secret in it is written as "env:VARIABLE" or "file:PATH".
        rpc: Vec<Endpoint> = Some("[]"), "[\"http://127.0.0.1:8545\"]", needed by [Sequencer, Prover, Node];
        /// Endpoints with blobs, /eth/v1/beacon/blobs/{block}, as beacon nodes have. They are asked in this
        /// order. Without any, the first address of l1.rpc is asked, which anvil and the embedded L1 answer.
        blobs: Vec<Endpoint> = Some("[]"), "[\"http://127.0.0.1:5052\"]";
        /// How blob endpoints name blocks: beacon nodes by "slot", anvil and the embedded L1 by "hash".
        blob_ids: BlobIds = Some("\"hash\""), "\"slot\"";
        /// How often a role looks for a new block, while that of the L1 slot isn't known.
        poll: Duration = Some("\"1 s\""), "\"500 ms\"";
        /// Whether the time of L1's blocks is the system's, as on public chains. Then an old block means that
        /// the endpoints lag. That of a development chain needn't be.
        system_time: bool = Some("true"), "false";
        /// Deployment file with the addresses and code hashes of the contracts. Without one it is
        /// deployments/CHAIN_ID.json in the repository.
        deployment: Option<PathBuf> = None, "\"deployments/11155111.json\"";
    }
}

options! {
    /// Where a process keeps what it knows. One process uses a folder at a time.
    StorageOptions in "storage" for [Sequencer, Prover, Node] {
        /// Folder of state, journal and records of transactions. A role that loses it may lose its bond: keep
        /// it on a disk that survives the machine.
        folder: PathBuf = Some("\"data\""), "\"/var/lib/fernet\"";
    }
}

options! {
    /// The network of sequencers, provers and nodes.
    P2pOptions in "p2p" for [Sequencer, Prover, Node] {
        /// Addresses to listen at. The default is reachable from this machine only; "/ip4/0.0.0.0/…" opens
        /// the port to everybody.
        listen: Vec<Multiaddr> = Some("[\"/ip4/127.0.0.1/tcp/40500\", \"/ip4/127.0.0.1/udp/40500/quic-v1\"]"),
            "[\"/ip4/0.0.0.0/tcp/40500\", \"/ip4/0.0.0.0/udp/40500/quic-v1\"]";
        /// Peers to connect to first, each with its id at the end (/p2p/…).
        bootnodes: Vec<Multiaddr> = Some("[]"),
            "[\"/dns4/boot.example.org/tcp/40500/p2p/12D3KooWQYhTNQdmr3ArTeUHRYzFg94BKyTkoWBDWez9kSCVe2Xo\"]";
        /// Addresses at which others reach this process, if it is behind a router that forwards the port.
        external: Vec<Multiaddr> = Some("[]"), "[\"/ip4/203.0.113.7/tcp/40500\"]";
        /// Whether the router is asked to forward the port (UPnP).
        upnp: bool = Some("false"), "true";
        /// Whether peers are asked if they reach this process (AutoNAT).
        autonat: bool = Some("false"), "true";
        /// Most connections to peers at a time.
        max_peers: Bounded<1, 1000> = Some("50"), "50";
    }
}

options! {
    /// Metrics for Prometheus, and whether the process is alive and ready.
    MetricsOptions in "metrics" for [Sequencer, Prover, Node] {
        /// Address of /metrics, /livez and /readyz. Everybody who reaches it can read it.
        listen: OrNever<SocketAddr> = Some("\"127.0.0.1:9645\""), "\"never\"";
    }
}

options! {
    /// What is logged, to stderr.
    LogOptions in "log" for [Sequencer, Prover, Node] {
        /// What is logged: a level (error, warn, info, debug, trace), or levels of parts. Without it each
        /// command has its own.
        filter: Option<String> = None, "\"warn,fernet_l1=debug\"", alias "FERNET_LOG";
        /// Form of the lines: "text" for reading, "json" for machines.
        format: LogFormat = Some("\"text\""), "\"json\"";
    }
}

options! {
    /// Operations that wait for a block.
    MempoolOptions in "mempool" for [Sequencer, Prover, Node] {
        /// Most operations of one account.
        per_account: Bounded<1, 65536> = Some("64"), "64";
        /// Most operations in total.
        total: Bounded<1, 1000000> = Some("65536"), "65536";
    }
}

options! {
    /// The sequencer.
    SequencerOptions in "sequencer" for [Sequencer] {
        /// Its id in the Staking contract, which `fernet sequencer register` printed.
        id: Option<u32> = None, "3", needed by [Sequencer];
        /// Signer of the attester: it signs quotes and sends proposals, commitments and reveals.
        attester: Option<SignerName> = None, "\"attester\"", needed by [Sequencer];
        /// Signer of the account that sends blob transactions, which L1's pools keep apart from others.
        /// Without one, the attester sends them, and one kind of transaction waits for the other.
        blobs: Option<SignerName> = None, "\"blobs\"";
        /// Signer of the account that is owed the rewards, if claims are sent and it isn't the attester.
        owner: Option<SignerName> = None, "\"owner\"";
        /// Signer with the BLS key, whose kind is "keystore" (ERC-2335) or "env". Needed if the deployment
        /// scores sequencers by a verifiable random function (VRF).
        bls: Option<SignerName> = None, "\"scores\"";
        /// L2 account that receives the fees of its blocks; 0 burns them.
        fee_recipient: u32 = Some("0"), "17";
        /// Highest price that it pays for a proof.
        max_price: Price = Some("\"1 token\""), "\"0.5 token\"";
        /// L1 slots before the end of the proposal phase at which a sequencer that is outranked proposes
        /// anyway.
        patience: u64 = Some("2"), "3";
        /// Rewards that are worth a claim; "never" claims none.
        claim_from: OrNever<TokenAmount> = Some("\"1 token\""), "\"never\"";
        /// Account that receives claimed rewards. Without one it is the owner.
        claim_to: Option<Address> = None, "\"0x00000000000000000000000000000000000000aa\"";
        /// Who sends the commitment. The sequencer can't be held up by the prover; the prover pays the gas.
        commitment: Commitment = Some("\"sequencer\""), "\"prover\"";
        /// Governance payload that its blocks vote for. Without one they don't vote.
        vote: Option<Address> = None, "\"0x00000000000000000000000000000000000000bb\"";
        /// Most chunks of its blocks: what provers can prove in time. The deployment's limit applies too.
        max_chunks: Bounded<1, 512> = Some("512"), "16";
        /// Age in L1 slots from which a block takes a deposit that it need not take yet. A reorg of L1 that
        /// undoes a deposit makes the block that took it invalid.
        deposit_depth: u64 = Some("0"), "2";
        /// Time that provers have to answer a request for quotes: less than an L1 slot.
        quote_deadline: Duration = Some("\"10 s\""), "\"4 s\"";
        /// The most that one transaction may cost.
        max_total_fee: Wei = Some("\"1 ether\""), "\"0.2 ether\"";
        /// What is lost with a duty that doesn't land in time: its transaction's fees rise up to this.
        at_stake: Wei = Some("\"0.05 ether\""), "\"0.1 ether\"";
        /// Proofs of blob sidecars: cell proofs "eip7594" since Fusaka, "eip4844" before.
        sidecars: Sidecars = Some("\"eip7594\""), "\"eip4844\"";
        /// Most blobs in one transaction.
        blobs_per_transaction: Bounded<1, 6> = Some("6"), "3";
    }
}

options! {
    /// The prover.
    ProverOptions in "prover" for [Prover] {
        /// Account whose escrow has the bonds. Without one it is the signer's.
        account: Option<Address> = None, "\"0x00000000000000000000000000000000000000cc\"";
        /// Signer of quotes: the account's own key, or the one that it named in the escrow.
        signer: Option<SignerName> = None, "\"quotes\"", needed by [Prover];
        /// Signer of the account that sends transactions. Without one it is the signer of quotes.
        sender: Option<SignerName> = None, "\"sender\"";
        /// Account that is credited with rewards, prices and shares of slashed bonds. Without one it is the
        /// account with the bonds.
        payee: Option<Address> = None, "\"0x00000000000000000000000000000000000000dd\"";
        /// Signer of the payee, if claims are sent and it isn't the sender.
        payee_signer: Option<SignerName> = None, "\"payee\"";
        /// Price of any block. A negative one is paid to the sequencer.
        base_price: Price = Some("\"0.02 token\""), "\"0.05 token\"";
        /// Price of each chunk, on top.
        chunk_price: TokenAmount = Some("\"0.01 token\""), "\"0.02 token\"";
        /// Lowest price that it offers if the sequencer's share doesn't cover the price.
        least_price: Price = Some("\"0 token\""), "\"-0.01 token\"";
        /// Bond of each offer. The deployment's minimum applies where it is higher.
        bond: TokenAmount = Some("\"0 token\""), "\"30 token\"";
        /// L1 slots that an offer is valid for: longer than a commitment phase.
        offer_validity: u64 = Some("24"), "24";
        /// L1 slots before the end of another prover's exclusive proving at which it starts a proof to rescue
        /// the block: about the time that a proof takes.
        rescue_lead: u64 = Some("3"), "5";
        /// Most chunks of a block that it offers to prove: what it proves in time. See `fernet prover
        /// benchmark`.
        max_chunks: Bounded<1, 512> = Some("512"), "16";
        /// Chunks that are proven at a time. Without it, as many as the machine has cores.
        threads: Option<Bounded<1, 1024>> = None, "8";
        /// Folder of the proving keys. Without one it is target/keys in the repository, and keys elsewhere.
        proving_keys: Option<PathBuf> = None, "\"/var/lib/fernet/keys\"", alias "FERNET_KEYS";
        /// Age in L1 slots from which a backup block takes deposits and forced exits that it need not take
        /// yet.
        deposit_depth: u64 = Some("0"), "2";
        /// L2 account that receives the fees of its backup blocks; 0 burns them.
        fee_recipient: u32 = Some("0"), "17";
        /// Rewards that are worth a claim; "never" claims none.
        claim_from: OrNever<TokenAmount> = Some("\"1 token\""), "\"never\"";
        /// Account that receives claimed rewards. Without one it is the payee.
        claim_to: Option<Address> = None, "\"0x00000000000000000000000000000000000000aa\"";
        /// The most that one transaction may cost.
        max_total_fee: Wei = Some("\"1 ether\""), "\"0.2 ether\"";
        /// What is lost with a duty that doesn't land in time: its transaction's fees rise up to this.
        at_stake: Wei = Some("\"0.05 ether\""), "\"0.1 ether\"";
        /// Proofs of blob sidecars: cell proofs "eip7594" since Fusaka, "eip4844" before.
        sidecars: Sidecars = Some("\"eip7594\""), "\"eip4844\"";
    }
}

options! {
    /// The node.
    NodeOptions in "node" for [Node] {
        /// Folder that keeps the blobs of all finalized blocks, for others that start later.
        archive: Option<PathBuf> = None, "\"archive\"";
        /// More sources of blobs, asked after l1.blobs.
        blob_sources: Vec<Endpoint> = Some("[]"), "[\"https://archive.example.org\"]";
        /// Folder of a snapshot to start from. Its state counts once L1 has finalized its block with its
        /// root.
        snapshot: Option<PathBuf> = None, "\"snapshot\"";
    }
}

options! {
    /// A key, by the name of its table. The key itself is never here: only where it is.
    SignerOptions in "signers.*" for [Sequencer, Prover] {
        /// Where the key is: "keystore" is an encrypted file (web3 keystore, or ERC-2335 for BLS keys),
        /// "web3signer" a remote signer, and "env" a variable of the environment, for development only.
        kind: SignerKind = Some("\"keystore\""), "\"web3signer\"";
        /// For a keystore: the file, from `fernet keys new` or another tool.
        file: Option<PathBuf> = None, "\"keys/attester.json\"";
        /// For a keystore: where the file's password is. "prompt" asks when the process starts.
        password: Option<PasswordReference> = None, "\"file:keys/attester.password\"";
        /// The account that the key must be of. A remote signer needs it; for others it is a check.
        address: Option<Address> = None, "\"0x00000000000000000000000000000000000000ee\"";
        /// For a remote signer: address of the service.
        url: Option<Endpoint> = None, "\"https://signer.example.org:9000\"";
        /// For a remote signer: longest time for one try. There are three.
        timeout: Option<Duration> = None, "\"2 s\"";
        /// For a remote signer: the authority of the service's certificate, in PEM. Without one it is one of
        /// the system's.
        authority: Option<PathBuf> = None, "\"tls/authority.pem\"";
        /// For a remote signer: certificate that the service asks for, in PEM. certificate_key belongs to it.
        certificate: Option<PathBuf> = None, "\"tls/client.pem\"";
        /// For a remote signer: private key of the certificate, in PEM. Only its owner may read the file.
        certificate_key: Option<PathBuf> = None, "\"tls/client-key.pem\"";
        /// For a key in the environment: the variable that has the private key, 32 bytes in hexadecimal.
        variable: Option<String> = None, "\"FERNET_DEV_KEY\"";
    }
}

/// All tables but those of signers.
pub(crate) const SECTIONS: [Section; 10] = [
    RollupOptions::SECTION,
    L1Options::SECTION,
    StorageOptions::SECTION,
    P2pOptions::SECTION,
    MetricsOptions::SECTION,
    LogOptions::SECTION,
    MempoolOptions::SECTION,
    SequencerOptions::SECTION,
    ProverOptions::SECTION,
    NodeOptions::SECTION,
];

/// The definitions of all options, table by table. Those of signers, which every signer has, are last.
pub fn definitions() -> impl Iterator<Item = &'static Definition> {
    SECTIONS.into_iter().chain([SignerOptions::SECTION]).flat_map(|section| section.options)
}
