//! The effect loop: asks the policy, carries effects out, and feeds the results back to the machine.

use std::collections::VecDeque;
use std::fmt;

use crate::policy::Decision;
use crate::report::StepReport;

/// A driver, as the effect loop sees it.
pub trait EffectHandler: Send {
    /// Input of the role's machine.
    type Input: Send;
    /// Effect of the role's machine.
    type Effect: fmt::Debug + Send + Sync;
    /// What the role knows while it carries effects out.
    type Facts: Sync;
    /// What a transaction of the role is for.
    type Kind: Send;
    /// The role's view of the slot in turn.
    type Status: Send;
    /// Why an effect fails.
    type Error: std::error::Error + Send;

    /// Gives an input to the machine, and returns the effects.
    fn apply(&mut self, input: Self::Input) -> Vec<Self::Effect>;

    /// Asks the operator's policy.
    fn decide(&self, effect: &Self::Effect, facts: &Self::Facts) -> Decision;

    /// Carries an effect out, and returns the inputs that result from it.
    ///
    /// # Errors
    /// When the effect fails.
    fn carry_out(
        &mut self,
        effect: &Self::Effect,
        facts: &Self::Facts,
    ) -> impl Future<Output = Result<Vec<Self::Input>, Self::Error>> + Send;

    /// The report of this step.
    fn report(&mut self) -> &mut StepReport<Self::Kind, Self::Effect, Self::Status>;

    /// Whether the effect may succeed at a later L1 block.
    fn is_retryable(error: &Self::Error) -> bool;

    /// Whether an endpoint of the L1 failed, so that the effect may succeed at once.
    fn is_of_l1(error: &Self::Error) -> bool;
}

/// Carries out `effects` in order, and then the effects of the inputs that result from them. The report has
/// the effects that the policy held, and the retryable errors.
///
/// # Errors
/// With the first error that isn't retryable. The remaining effects are dropped.
pub async fn carry_out_all<H: EffectHandler>(
    handler: &mut H,
    effects: impl IntoIterator<Item = H::Effect> + Send,
    facts: &H::Facts,
) -> Result<(), H::Error> {
    let mut pending: VecDeque<H::Effect> = effects.into_iter().collect();
    while let Some(effect) = pending.pop_front() {
        if handler.decide(&effect, facts) == Decision::Hold {
            handler.report().hold(effect);
            continue;
        }
        match handler.carry_out(&effect, facts).await {
            Ok(inputs) => {
                for input in inputs {
                    pending.extend(handler.apply(input));
                }
            }
            Err(error) if H::is_retryable(&error) => {
                let is_of_l1 = H::is_of_l1(&error);
                let report = handler.report();
                report.note_retryable(&effect, &error);
                report.l1_failed |= is_of_l1;
            }
            Err(error) => return Err(error),
        }
    }
    Ok(())
}
