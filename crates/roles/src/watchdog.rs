//! Notices on the wall clock that L1 stands still. L1 slots are counted by blocks, so nothing else does.

use std::time::{Duration, Instant};

use alloy::primitives::B256;

/// L1 slots without a new block after which there is an alarm, and between two alarms. On mainnet, four L1
/// slots in a row without a block come once in a few months.
const SLOTS: u32 = 4;

/// Watches the newest L1 block.
#[derive(Debug)]
pub struct Watchdog {
    limit: Duration,
    head: Option<B256>,
    since: Instant,
    alarmed: Option<Instant>,
}

impl Watchdog {
    /// A watchdog for an L1 with slots of `slot` that starts at `now`.
    #[must_use]
    pub const fn new(slot: Duration, now: Instant) -> Self {
        Self { limit: slot.saturating_mul(SLOTS), head: None, since: now, alarmed: None }
    }

    /// Notes the newest block. Returns the time without a new one if it is time for an alarm.
    pub fn check(&mut self, head: Option<B256>, now: Instant) -> Option<Duration> {
        if head != self.head {
            (self.head, self.since, self.alarmed) = (head, now, None);
            return None;
        }
        let last = self.alarmed.unwrap_or(self.since);
        if now.saturating_duration_since(last) < self.limit {
            return None;
        }
        self.alarmed = Some(now);
        Some(now.saturating_duration_since(self.since))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_l1_that_stands_still_is_noticed_again_and_again() {
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        let block = |number| Some(B256::repeat_byte(number));
        let mut watchdog = Watchdog::new(Duration::from_secs(12), start);
        assert_eq!(watchdog.check(None, at(47)), None);
        assert_eq!(watchdog.check(None, at(48)), Some(Duration::from_secs(48)), "no block at all");
        assert_eq!(watchdog.check(block(1), at(60)), None);
        for (seconds, expected) in [(70, None), (107, None), (108, Some(48)), (120, None), (156, Some(96))] {
            assert_eq!(
                watchdog.check(block(1), at(seconds)),
                expected.map(Duration::from_secs),
                "{seconds} s"
            );
        }
        assert_eq!(watchdog.check(block(2), at(500)), None, "a new block");
        assert_eq!(watchdog.check(block(2), at(547)), None);
        assert_eq!(watchdog.check(block(2), at(549)), Some(Duration::from_secs(49)));
    }
}
