//! A request to finish, from a person or a supervisor.

use tokio::sync::watch;

/// Asked once, seen by everybody who holds a clone.
#[derive(Debug, Clone)]
pub struct Stop(watch::Sender<bool>);

impl Default for Stop {
    fn default() -> Self {
        Self(watch::Sender::new(false))
    }
}

impl Stop {
    /// Asks for the end.
    pub fn ask(&self) {
        self.0.send_replace(true);
    }

    /// Whether somebody asked for the end.
    #[must_use]
    pub fn is_asked(&self) -> bool {
        *self.0.borrow()
    }

    /// Waits until somebody asks for the end.
    pub async fn asked(&self) {
        // The channel can't close while `self` holds its sender.
        let _ = self.0.subscribe().wait_for(|asked| *asked).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn every_clone_sees_the_request() {
        let stop = Stop::default();
        let clone = stop.clone();
        assert!(!clone.is_asked());
        stop.ask();
        assert!(clone.is_asked());
        clone.asked().await;
    }
}
