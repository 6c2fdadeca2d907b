//! `/v2/queues`.

use reqwest::Method;
use sigpost_qstash::{Cancelled, Queue, UpsertQueue};

use crate::path::with_segment;
use crate::{Call, Client, Done};

const PATH: &str = "/v2/queues";

impl Client {
    /// Lists queues by name.
    pub fn list_queues(&self) -> Call<Vec<Queue>> {
        self.get(PATH)
    }

    /// Returns a queue.
    pub fn get_queue(&self, name: &str) -> Call<Queue> {
        self.call(Method::GET, with_segment(PATH, name, ""))
    }

    /// Creates a queue or replaces all of its settings.
    pub fn upsert_queue(&self, settings: &UpsertQueue) -> Call<Done> {
        self.call(Method::POST, Ok(PATH.to_owned())).json(settings)
    }

    /// Pauses a queue.
    pub fn pause_queue(&self, name: &str) -> Call<Done> {
        self.call(Method::POST, with_segment(PATH, name, "/pause"))
    }

    /// Resumes a queue.
    pub fn resume_queue(&self, name: &str) -> Call<Done> {
        self.call(Method::POST, with_segment(PATH, name, "/resume"))
    }

    /// Deletes a queue and cancels its messages.
    pub fn delete_queue(&self, name: &str) -> Call<Cancelled> {
        self.call(Method::DELETE, with_segment(PATH, name, ""))
    }
}
