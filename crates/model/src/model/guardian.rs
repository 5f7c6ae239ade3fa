//! The guardian: one pause for each approval.

use alloy::primitives::Address;
use fernet_bindings::IGuardian;

use super::{Model, Outcome, refuse};
use crate::rules::{GUARDIAN, Rules};

/// The guardian's address, and its approvals.
#[derive(Debug, Clone)]
pub(crate) struct Guardian {
    pub(crate) guardian: Address,
    pub(crate) approvals: u8,
}

impl Guardian {
    pub(super) fn new(rules: &Rules) -> Self {
        Self { guardian: GUARDIAN, approvals: rules.governance.first_approvals }
    }
}

impl Model {
    pub(super) fn guardian_pause(&mut self) -> Outcome {
        let (expected, actual) = (self.guardian.guardian, self.frame.sender);
        if actual != expected {
            return refuse(IGuardian::NotGuardian { expected, actual });
        }
        if self.guardian.approvals == 0 {
            return refuse(IGuardian::NotApproved {});
        }
        self.guardian.approvals -= 1;
        self.emit(self.at.guardian, IGuardian::PauseUsed { guardian: actual });
        self.as_caller(self.at.guardian, Self::pause)
    }

    pub(super) fn approve(&mut self) -> Outcome {
        self.require_governance_of_guardian()?;
        if self.guardian.approvals != 0 {
            return refuse(IGuardian::AlreadyApproved {});
        }
        self.guardian.approvals = 1;
        self.emit(self.at.guardian, IGuardian::PauseApproved {});
        Ok(())
    }

    pub(super) fn set_guardian(&mut self, current: Address) -> Outcome {
        self.require_governance_of_guardian()?;
        let previous = std::mem::replace(&mut self.guardian.guardian, current);
        self.emit(self.at.guardian, IGuardian::GuardianChanged { previous, current });
        Ok(())
    }

    fn require_governance_of_guardian(&self) -> Outcome {
        let (expected, actual) = (self.at.timelock, self.frame.sender);
        if actual == expected { Ok(()) } else { refuse(IGuardian::NotGovernance { expected, actual }) }
    }
}
