//! Versions of the rollup.

use alloy::primitives::{Address, U256};
use fernet_bindings::{IRegistry, Version};

use super::{Model, Outcome, refuse};
use crate::{
    payloads,
    rules::{Addresses, Rules},
};

/// The version of the deployment.
pub(super) fn first(rules: &Rules, at: &Addresses) -> Version {
    Version { rollup: at.rollup, governance: at.timelock, addedAt: rules.genesis_slot.get() }
}

impl Model {
    /// The newest version. There is always one.
    pub(crate) fn last_version(&self) -> &Version {
        &self.versions[self.versions.len() - 1]
    }

    pub(super) fn add_version(&mut self, rollup: Address, governance: Address) -> Outcome {
        let (last, actual) = (self.last_version(), self.frame.sender);
        if actual != last.governance {
            return refuse(IRegistry::NotGovernance { expected: last.governance, actual });
        }
        if rollup == last.rollup {
            return refuse(IRegistry::AlreadyCanonical { rollup });
        }
        for (name, account) in [("rollup", rollup), ("governance", governance)] {
            if !payloads::has_code(account) {
                return refuse(IRegistry::BadParameter { name: name.to_owned() });
            }
        }
        let version = U256::from(self.versions.len());
        self.versions.push(Version { rollup, governance, addedAt: self.frame.now.get() });
        self.emit(self.at.registry, IRegistry::VersionAdded { version, rollup, governance });
        Ok(())
    }

    /// `Registry.count`, and `Registry.versionAt` of the last one.
    pub(crate) fn versions_view(&self) -> (U256, Version) {
        (U256::from(self.versions.len()), self.last_version().clone())
    }
}
