//! What the roles tell each other: messages, the Network trait and its in-process implementation.
