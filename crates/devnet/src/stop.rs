//! A request to end a run, from a person or a supervisor.

use tokio::sync::watch;

/// What was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum StopRequest {
    /// Nothing: the run goes on.
    None,
    /// To end with the last withdrawal, where that needs no wait for L1, and the summary.
    Finish,
    /// To end at once, without a summary.
    Leave,
}

/// A request that every clone sees.
#[derive(Debug, Clone)]
pub struct Stop(watch::Sender<StopRequest>);

impl Default for Stop {
    fn default() -> Self {
        Self(watch::Sender::new(StopRequest::None))
    }
}

impl Stop {
    /// Asks for the end. The first call asks to finish, each later one to leave at once. Returns what is
    /// asked for now.
    pub fn ask(&self) -> StopRequest {
        self.0.send_modify(|request| {
            *request = match request {
                StopRequest::None => StopRequest::Finish,
                StopRequest::Finish | StopRequest::Leave => StopRequest::Leave,
            };
        });
        self.request()
    }

    /// Asks to leave at once.
    pub fn leave(&self) {
        self.0.send_replace(StopRequest::Leave);
    }

    /// What is asked for.
    #[must_use]
    pub fn request(&self) -> StopRequest {
        *self.0.borrow()
    }

    /// Whether anything is asked for.
    #[must_use]
    pub fn is_asked(&self) -> bool {
        self.request() != StopRequest::None
    }

    /// Waits until anything is asked for.
    pub async fn asked(&self) {
        self.at_least(StopRequest::Finish).await;
    }

    /// Waits until the request is to leave at once.
    pub async fn left(&self) {
        self.at_least(StopRequest::Leave).await;
    }

    async fn at_least(&self, request: StopRequest) {
        // The channel can't close while `self` holds its sender.
        let _ = self.0.subscribe().wait_for(|asked| *asked >= request).await;
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
        assert_eq!(stop.ask(), StopRequest::Finish);
        assert!(clone.is_asked());
        clone.asked().await;
    }

    #[tokio::test]
    async fn the_second_request_is_to_leave() {
        let stop = Stop::default();
        stop.ask();
        assert_eq!(stop.ask(), StopRequest::Leave);
        assert_eq!(stop.ask(), StopRequest::Leave);
        stop.left().await;
        let other = Stop::default();
        other.leave();
        other.asked().await;
    }
}
