//! Answers that are lists of messages: a list of strings, each the bytes of one message.

use crate::message::{MAX_CONTACT_BYTES, MAX_QUOTE_BYTES};
use crate::wire::{Wire, WireError, decode_list, encode_list};

/// A kind of answer.
#[derive(Debug, Clone, Copy)]
pub struct Answer {
    field: &'static str,
    max_entries: usize,
    max_entry: usize,
}

/// Quotes of the provers of one node.
pub const QUOTES: Answer = Answer { field: "quotes", max_entries: 4, max_entry: MAX_QUOTE_BYTES };

/// Contacts of provers.
pub const CONTACTS: Answer = Answer { field: "contacts", max_entries: 64, max_entry: MAX_CONTACT_BYTES };

impl Answer {
    /// Most messages of the answer.
    #[must_use]
    pub const fn max_entries(self) -> usize {
        self.max_entries
    }

    /// Most bytes of the answer.
    #[must_use]
    pub const fn max_bytes(self) -> usize {
        self.max_entries * (self.max_entry + 4) + 4
    }

    /// Encodes as many messages as the answer may have.
    pub fn encode<'a, M: Wire + 'a>(self, messages: impl IntoIterator<Item = &'a M>) -> Vec<u8> {
        let messages = messages.into_iter().take(self.max_entries);
        encode_list(|list| messages.for_each(|message| list.bytes(&message.encode())))
    }

    /// Decodes an answer.
    ///
    /// # Errors
    /// When the bytes are no such answer, or exceed a limit.
    pub fn decode<M: Wire>(self, bytes: &[u8]) -> Result<Vec<M>, WireError> {
        decode_list(bytes, self.max_bytes(), |list| {
            list.rest(self.field, self.max_entries, |list| M::decode(list.bytes(self.field, self.max_entry)?))
        })
    }
}
