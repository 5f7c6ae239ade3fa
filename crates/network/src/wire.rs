//! Encoding of fields by RLP, with a limit on every length.
//!
//! RLP is Ethereum's encoding, which its peers use too: strings of bytes and lists of items, one form for
//! each value. This file adds the limits, and names the field that is wrong.

use alloy::rlp::{self, Decodable, Encodable, Header};

/// Why bytes can't be decoded as a message.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WireError {
    /// The message is longer than messages of its kind may be.
    #[error("expected at most {maximum} bytes, got {actual}")]
    TooLong { maximum: usize, actual: usize },
    /// Bytes follow the message, or items follow the last field of a list.
    #[error("expected {field} to end, got {bytes} more bytes")]
    Trailing { field: &'static str, bytes: usize },
    /// A list has more entries than it may have.
    #[error("expected at most {maximum} entries in {field}, got more")]
    TooMany { field: &'static str, maximum: usize },
    /// A list that needs an entry has none.
    #[error("expected an entry in {field}, got none")]
    Empty { field: &'static str },
    /// A string of bytes is longer than it may be.
    #[error("expected at most {maximum} bytes in {field}, got {actual}")]
    FieldTooLong { field: &'static str, maximum: usize, actual: usize },
    /// A string of bytes has another length than its kind.
    #[error("expected {expected} bytes in {field}, got {actual}")]
    WrongLength { field: &'static str, expected: usize, actual: usize },
    /// A tag is unknown.
    #[error("expected a known {field}, got {actual}")]
    UnknownTag { field: &'static str, actual: u8 },
    /// The bytes of a field aren't canonical RLP, end too early, or are of another kind.
    #[error("malformed {field}: {error}")]
    Rlp { field: &'static str, error: rlp::Error },
    /// The bytes of a field are no value of its type.
    #[error("malformed {field}: {reason}")]
    Malformed { field: &'static str, reason: String },
}

/// A message that can be encoded as bytes.
pub trait Wire: Sized {
    /// Encodes the message.
    fn encode(&self) -> Vec<u8>;

    /// Decodes a message. Only the bytes that [`Self::encode`] returns are accepted.
    ///
    /// # Errors
    /// When the bytes are no such message, or exceed a limit.
    fn decode(bytes: &[u8]) -> Result<Self, WireError>;
}

/// Encodes the items of a list.
#[derive(Debug, Default)]
pub struct Encoder(Vec<u8>);

impl Encoder {
    /// Adds an integer: its bytes without leading zeros.
    pub fn uint(&mut self, value: impl Into<u128>) {
        value.into().encode(&mut self.0);
    }

    /// Adds a string of bytes.
    pub fn bytes(&mut self, bytes: &[u8]) {
        bytes.encode(&mut self.0);
    }

    /// Adds a list, whose items `write` adds.
    pub fn list(&mut self, write: impl FnOnce(&mut Self)) {
        let mut items = Self::default();
        write(&mut items);
        Header { list: true, payload_length: items.0.len() }.encode(&mut self.0);
        self.0.append(&mut items.0);
    }
}

/// Encodes a message: a list, whose items `write` adds.
pub fn encode_list(write: impl FnOnce(&mut Encoder)) -> Vec<u8> {
    let mut message = Encoder::default();
    message.list(write);
    message.0
}

/// Decodes a message of at most `maximum` bytes: a list, whose items `read` takes, all of them.
///
/// # Errors
/// When the message is too long, isn't a canonical list, goes on after it, or `read` fails or leaves items.
pub fn decode_list<'a, T>(
    bytes: &'a [u8],
    maximum: usize,
    read: impl FnOnce(&mut Decoder<'a>) -> Result<T, WireError>,
) -> Result<T, WireError> {
    if bytes.len() > maximum {
        return Err(WireError::TooLong { maximum, actual: bytes.len() });
    }
    let mut outer = Decoder(bytes);
    let message = outer.list("message", read)?;
    outer.finish("the message")?;
    Ok(message)
}

/// Decodes the items of a list.
#[derive(Debug)]
pub struct Decoder<'a>(&'a [u8]);

impl<'a> Decoder<'a> {
    /// Takes an integer.
    ///
    /// # Errors
    /// When there is no item, it has leading zeros, or it doesn't fit `T`.
    pub fn uint<T: TryFrom<u128>>(&mut self, field: &'static str) -> Result<T, WireError> {
        let value = u128::decode(&mut self.0).map_err(|error| WireError::Rlp { field, error })?;
        T::try_from(value).map_err(|_| WireError::Rlp { field, error: rlp::Error::Overflow })
    }

    /// Takes a string of `N` bytes.
    ///
    /// # Errors
    /// When there is no string, or it has another length.
    pub fn array<const N: usize>(&mut self, field: &'static str) -> Result<[u8; N], WireError> {
        let bytes = self.string(field)?;
        bytes.try_into().map_err(|_| WireError::WrongLength { field, expected: N, actual: bytes.len() })
    }

    /// Takes a string of at most `maximum` bytes.
    ///
    /// # Errors
    /// When there is no string, or it is longer.
    pub fn bytes(&mut self, field: &'static str, maximum: usize) -> Result<&'a [u8], WireError> {
        let bytes = self.string(field)?;
        let actual = bytes.len();
        if actual > maximum { Err(WireError::FieldTooLong { field, maximum, actual }) } else { Ok(bytes) }
    }

    /// Takes a list, whose items `read` takes, all of them.
    ///
    /// # Errors
    /// When there is no list, or `read` fails or leaves items.
    pub fn list<T>(
        &mut self,
        field: &'static str,
        read: impl FnOnce(&mut Self) -> Result<T, WireError>,
    ) -> Result<T, WireError> {
        let mut items = self.open(field)?;
        let value = read(&mut items)?;
        items.finish(field)?;
        Ok(value)
    }

    /// Takes a list of at most `maximum` entries, each of which `read` takes. Memory is allocated entry by
    /// entry, not by a length that the peer states.
    ///
    /// # Errors
    /// When there is no list, it has more entries, or `read` fails.
    pub fn entries<T>(
        &mut self,
        field: &'static str,
        maximum: usize,
        read: impl FnMut(&mut Self) -> Result<T, WireError>,
    ) -> Result<Vec<T>, WireError> {
        self.open(field)?.rest(field, maximum, read)
    }

    /// Takes all items that are left as the entries of `field`, as [`Self::entries`] does.
    ///
    /// # Errors
    /// When there are more than `maximum` entries, or `read` fails.
    pub fn rest<T>(
        &mut self,
        field: &'static str,
        maximum: usize,
        mut read: impl FnMut(&mut Self) -> Result<T, WireError>,
    ) -> Result<Vec<T>, WireError> {
        let mut entries = Vec::new();
        while !self.0.is_empty() {
            if entries.len() == maximum {
                return Err(WireError::TooMany { field, maximum });
            }
            entries.push(read(self)?);
        }
        Ok(entries)
    }

    fn open(&mut self, field: &'static str) -> Result<Self, WireError> {
        Header::decode_bytes(&mut self.0, true).map(Self).map_err(|error| WireError::Rlp { field, error })
    }

    fn string(&mut self, field: &'static str) -> Result<&'a [u8], WireError> {
        Header::decode_bytes(&mut self.0, false).map_err(|error| WireError::Rlp { field, error })
    }

    fn finish(&self, field: &'static str) -> Result<(), WireError> {
        if self.0.is_empty() { Ok(()) } else { Err(WireError::Trailing { field, bytes: self.0.len() }) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn encoded() -> Vec<u8> {
        encode_list(|message| {
            message.uint(0_u8);
            message.uint(1024_u32);
            message.bytes(&[7; 3]);
            message.list(|list| [1_u8, 2].into_iter().for_each(|entry| list.uint(entry)));
        })
    }

    fn decoded(bytes: &[u8]) -> Result<(u8, u32, [u8; 3], Vec<u8>), WireError> {
        decode_list(bytes, 64, |message| {
            Ok((
                message.uint("a")?,
                message.uint("b")?,
                message.array("c")?,
                message.entries("d", 2, |entry| entry.uint("entry"))?,
            ))
        })
    }

    #[test]
    fn fields_round_trip_as_rlp() {
        // The list of 0, 1024, three bytes, and the list of 1 and 2.
        let expected = [0xcb, 0x80, 0x82, 4, 0, 0x83, 7, 7, 7, 0xc2, 1, 2];
        assert_eq!(encoded(), expected);
        assert_eq!(decoded(&encoded()), Ok((0, 1024, [7; 3], vec![1, 2])));
    }

    #[test]
    fn other_forms_of_a_value_are_refused() {
        let rlp = |field, error| Err(WireError::Rlp { field, error });
        // A zero byte instead of the empty string, a leading zero, a length of lengths, and a byte as a
        // string.
        let zero = [0xcb, 0x00, 0x82, 4, 0, 0x83, 7, 7, 7, 0xc2, 1, 2];
        assert_eq!(decoded(&zero), rlp("a", rlp::Error::LeadingZero));
        let leading = [0xcb, 0x80, 0x82, 0, 4, 0x83, 7, 7, 7, 0xc2, 1, 2];
        assert_eq!(decoded(&leading), rlp("b", rlp::Error::LeadingZero));
        let long = [0xf8, 0x0b, 0x80, 0x82, 4, 0, 0x83, 7, 7, 7, 0xc2, 1, 2];
        assert_eq!(decoded(&long), rlp("message", rlp::Error::NonCanonicalSize));
        let single = [0xcc, 0x80, 0x82, 4, 0, 0x83, 7, 7, 7, 0xc3, 0x81, 1, 2];
        assert_eq!(decoded(&single), rlp("entry", rlp::Error::NonCanonicalSingleByte));
    }

    #[test]
    fn what_is_too_long_too_short_or_left_over_is_refused() {
        let bytes = encoded();
        for length in 0..bytes.len() {
            assert!(decoded(&bytes[..length]).is_err(), "{length} bytes");
        }
        let trailing = Err(WireError::Trailing { field: "the message", bytes: 1 });
        assert_eq!(decoded(&[bytes.as_slice(), &[0]].concat()), trailing);
        assert_eq!(decoded(&[0; 65]), Err(WireError::TooLong { maximum: 64, actual: 65 }));
        let more = [0xcc, 0x80, 0x82, 4, 0, 0x83, 7, 7, 7, 0xc3, 1, 2, 3];
        assert_eq!(decoded(&more), Err(WireError::TooMany { field: "d", maximum: 2 }));
        let field = [0xcc, 0x80, 0x82, 4, 0, 0x83, 7, 7, 7, 0xc2, 1, 2, 9];
        assert_eq!(decoded(&field), Err(WireError::Trailing { field: "message", bytes: 1 }));
        let short = [0xca, 0x80, 0x82, 4, 0, 0x82, 7, 7, 0xc2, 1, 2];
        assert_eq!(decoded(&short), Err(WireError::WrongLength { field: "c", expected: 3, actual: 2 }));
        let wide = encode_list(|message| message.uint(256_u32));
        let overflow = Err(WireError::Rlp { field: "x", error: rlp::Error::Overflow });
        assert_eq!(decode_list(&wide, 64, |message| message.uint::<u8>("x")), overflow);
    }

    #[test]
    fn a_length_that_is_only_stated_allocates_nothing() {
        // A list and a string of 2^40 bytes that aren't there.
        for first in [0xfd, 0xbd] {
            let bytes = [first, 1, 0, 0, 0, 0, 0];
            let result = decode_list(&bytes, 64, |message| message.bytes("x", 64));
            assert!(matches!(result, Err(WireError::Rlp { field: "message", .. })), "{result:?}");
        }
    }
}
