//! Encoding of fields: big-endian integers and length-prefixed lists, with a limit on every length.

/// Why bytes can't be decoded as a message.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WireError {
    /// The message is longer than messages of its kind may be.
    #[error("expected at most {maximum} bytes, got {actual}")]
    TooLong { maximum: usize, actual: usize },
    /// The message ends in the middle of a field.
    #[error("expected {expected} more bytes for {field}, got {actual}")]
    Truncated { field: &'static str, expected: usize, actual: usize },
    /// Bytes follow the last field.
    #[error("expected the message to end, got {0} more bytes")]
    Trailing(usize),
    /// A list is longer than it may be.
    #[error("expected at most {maximum} entries in {field}, got {actual}")]
    TooMany { field: &'static str, maximum: usize, actual: usize },
    /// A tag is unknown.
    #[error("expected a known {field}, got {actual}")]
    UnknownTag { field: &'static str, actual: u8 },
    /// The bytes of a field are no value of its type.
    #[error("malformed {field}: {reason}")]
    Malformed { field: &'static str, reason: String },
}

/// Encodes a message, field by field.
#[derive(Debug, Default)]
pub(crate) struct Writer(Vec<u8>);

impl Writer {
    pub(crate) fn u8(&mut self, value: u8) {
        self.0.push(value);
    }

    pub(crate) fn u32(&mut self, value: u32) {
        self.bytes(&value.to_be_bytes());
    }

    pub(crate) fn u64(&mut self, value: u64) {
        self.bytes(&value.to_be_bytes());
    }

    pub(crate) fn u128(&mut self, value: u128) {
        self.bytes(&value.to_be_bytes());
    }

    pub(crate) fn i128(&mut self, value: i128) {
        self.bytes(&value.to_be_bytes());
    }

    pub(crate) fn bytes(&mut self, bytes: &[u8]) {
        self.0.extend_from_slice(bytes);
    }

    /// Writes the length of a list. A list longer than `u32::MAX` exceeds the limit of every message.
    pub(crate) fn length(&mut self, length: usize) {
        self.u32(u32::try_from(length).unwrap_or(u32::MAX));
    }

    pub(crate) fn finish(self) -> Vec<u8> {
        self.0
    }
}

/// Decodes a message, field by field.
#[derive(Debug)]
pub(crate) struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    /// Starts to read a message of at most `maximum` bytes.
    pub(crate) fn new(bytes: &'a [u8], maximum: usize) -> Result<Self, WireError> {
        if bytes.len() > maximum {
            return Err(WireError::TooLong { maximum, actual: bytes.len() });
        }
        Ok(Self(bytes))
    }

    /// Reads `length` bytes.
    pub(crate) fn take(&mut self, field: &'static str, length: usize) -> Result<&'a [u8], WireError> {
        match self.0.split_at_checked(length) {
            Some((bytes, rest)) => {
                self.0 = rest;
                Ok(bytes)
            }
            None => Err(WireError::Truncated { field, expected: length, actual: self.0.len() }),
        }
    }

    pub(crate) fn array<const N: usize>(&mut self, field: &'static str) -> Result<[u8; N], WireError> {
        match self.0.split_first_chunk::<N>() {
            Some((array, rest)) => {
                self.0 = rest;
                Ok(*array)
            }
            None => Err(WireError::Truncated { field, expected: N, actual: self.0.len() }),
        }
    }

    pub(crate) fn u8(&mut self, field: &'static str) -> Result<u8, WireError> {
        self.array::<1>(field).map(u8::from_be_bytes)
    }

    pub(crate) fn u32(&mut self, field: &'static str) -> Result<u32, WireError> {
        self.array::<4>(field).map(u32::from_be_bytes)
    }

    pub(crate) fn u64(&mut self, field: &'static str) -> Result<u64, WireError> {
        self.array::<8>(field).map(u64::from_be_bytes)
    }

    pub(crate) fn u128(&mut self, field: &'static str) -> Result<u128, WireError> {
        self.array::<16>(field).map(u128::from_be_bytes)
    }

    pub(crate) fn i128(&mut self, field: &'static str) -> Result<i128, WireError> {
        self.array::<16>(field).map(i128::from_be_bytes)
    }

    /// Reads a list's length.
    pub(crate) fn length(&mut self, field: &'static str, maximum: usize) -> Result<usize, WireError> {
        let actual = usize::try_from(self.u32(field)?).unwrap_or(usize::MAX);
        if actual > maximum { Err(WireError::TooMany { field, maximum, actual }) } else { Ok(actual) }
    }

    /// Reads a list whose entries `read` reads.
    pub(crate) fn list<T>(
        &mut self,
        field: &'static str,
        maximum: usize,
        mut read: impl FnMut(&mut Self) -> Result<T, WireError>,
    ) -> Result<Vec<T>, WireError> {
        // Memory is allocated entry by entry, not by the length that the peer states.
        let length = self.length(field, maximum)?;
        (0..length).map(|_| read(self)).collect()
    }

    /// Checks that every byte was read.
    pub(crate) fn finish(self) -> Result<(), WireError> {
        if self.0.is_empty() { Ok(()) } else { Err(WireError::Trailing(self.0.len())) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_round_trip_in_order() {
        let mut writer = Writer::default();
        writer.u8(1);
        writer.u32(2);
        writer.u64(3);
        writer.u128(4);
        writer.length(2);
        writer.bytes(&[5, 6]);
        let bytes = writer.finish();
        let mut reader = Reader::new(&bytes, bytes.len()).unwrap();
        assert_eq!(reader.u8("a"), Ok(1));
        assert_eq!(reader.u32("b"), Ok(2));
        assert_eq!(reader.u64("c"), Ok(3));
        assert_eq!(reader.u128("d"), Ok(4));
        assert_eq!(reader.list("e", 2, |reader| reader.u8("entry")), Ok(vec![5, 6]));
        assert_eq!(reader.finish(), Ok(()));
    }

    #[test]
    fn what_is_too_long_too_short_or_left_over_is_refused() {
        assert_eq!(Reader::new(&[0; 3], 2).unwrap_err(), WireError::TooLong { maximum: 2, actual: 3 });
        let mut reader = Reader::new(&[0; 3], 3).unwrap();
        assert_eq!(reader.u32("x"), Err(WireError::Truncated { field: "x", expected: 4, actual: 3 }));
        assert_eq!(reader.finish(), Err(WireError::Trailing(3)));
        let mut reader = Reader::new(&[0xff; 8], 8).unwrap();
        let error = reader.list("y", 9, |reader| reader.u8("entry")).unwrap_err();
        assert_eq!(error, WireError::TooMany { field: "y", maximum: 9, actual: u32::MAX as usize });
    }
}
