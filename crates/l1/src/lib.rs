//! L1 access: transactions as intents, fees, nonces, events and deployments.
