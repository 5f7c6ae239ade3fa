//! Test vectors for this crate and the contracts: forge reads the same files. `vectors/README.md` describes
//! them.
//!
//! This command writes the files. Without the variable, the tests compare the committed files with the code:
//!
//! ```sh
//! FERNET_WRITE_VECTORS=1 cargo test -p fernet-protocol --test vectors
//! ```

#[path = "vectors/bls.rs"]
mod bls;
#[path = "vectors/encodings.rs"]
mod encodings;
#[path = "vectors/ranking.rs"]
mod ranking;
#[path = "vectors/rewards.rs"]
mod rewards;
#[path = "vectors/rfc9380.rs"]
mod rfc9380;
#[path = "vectors/support.rs"]
mod support;
#[path = "vectors/time.rs"]
mod time;

use support::check;

#[test]
fn phases() {
    check("phases.json", &time::phases());
}

#[test]
fn slots() {
    check("slots.json", &time::slots());
}

#[test]
fn seeds() {
    check("seeds.json", &time::seeds());
}

#[test]
fn parameters() {
    check("parameters.json", &time::parameters());
}

#[test]
fn scores() {
    check("scores.json", &ranking::scores());
}

#[test]
fn candidates() {
    check("candidates.json", &ranking::candidates());
}

#[test]
fn headers() {
    check("headers.json", &encodings::headers());
}

#[test]
fn quotes() {
    check("quotes.json", &encodings::quotes());
}

#[test]
fn queue() {
    check("queue.json", &encodings::queue());
}

#[test]
fn domain() {
    check("domain.json", &encodings::domain());
}

#[test]
fn rewards() {
    check("rewards.json", &rewards::rewards());
}

#[test]
fn bls() {
    check("bls.json", &bls::bls());
}
