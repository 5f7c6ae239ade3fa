//! The link from a running devnet to its front end.

use tokio::sync::{mpsc, watch};

use crate::{record::SlotRecord, view::DevnetView};

/// The devnet's end: it keeps the view current and hands out finished slots.
#[derive(Debug, Clone)]
pub struct Observer {
    view: watch::Sender<DevnetView>,
    records: mpsc::UnboundedSender<SlotRecord>,
}

/// The front end's end.
#[derive(Debug)]
pub struct Watch {
    /// The view, as it is now.
    pub view: watch::Receiver<DevnetView>,
    /// Slots, as they finish.
    pub records: mpsc::UnboundedReceiver<SlotRecord>,
}

/// A new link.
#[must_use]
pub fn observer() -> (Observer, Watch) {
    let (view, view_receiver) = watch::channel(DevnetView::default());
    let (records, records_receiver) = mpsc::unbounded_channel();
    (Observer { view, records }, Watch { view: view_receiver, records: records_receiver })
}

impl Observer {
    /// Changes the view.
    pub fn update(&self, change: impl FnOnce(&mut DevnetView)) {
        self.view.send_modify(change);
    }

    /// Says what the devnet does right now.
    pub fn activity(&self, what: impl Into<String>) {
        let what = what.into();
        self.view.send_if_modified(|view| {
            let is_new = view.activity != what;
            if is_new {
                tracing::debug!(activity = what, "devnet");
                view.activity = what;
            }
            is_new
        });
    }

    /// What the devnet does right now.
    #[must_use]
    pub fn current_activity(&self) -> String {
        self.view.borrow().activity.clone()
    }

    /// Hands out a finished slot.
    pub fn record(&self, record: SlotRecord) {
        self.update(|view| view.record(&record));
        // Without a listener nothing is lost: the run's result holds everything that counts.
        let _ = self.records.send(record);
    }
}
