//! `/v2/schedules`.

use reqwest::Method;
use sigpost_qstash::{Schedule, ScheduleCreated, ScheduleRun};

use crate::path::{with_destination, with_segment};
use crate::{Call, Client, Done, NewMessage};

const PATH: &str = "/v2/schedules";

/// A schedule to create or replace.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NewSchedule {
    /// Cron expression: five fields, or six with seconds first, after an optional `CRON_TZ=…`.
    pub cron: String,
    /// ID. A schedule with the same ID is replaced. Default: a new ID.
    pub id: Option<String>,
    /// Queue of its messages.
    pub queue: Option<String>,
    /// Missed firings that are published later: `none`, `last` or `all`.
    pub catch_up: Option<String>,
    /// Body and options of its messages.
    pub message: NewMessage,
}

impl Client {
    /// Lists schedules.
    pub fn list_schedules(&self) -> Call<Vec<Schedule>> {
        self.get(PATH)
    }

    /// Returns a schedule.
    pub fn get_schedule(&self, id: &str) -> Call<Schedule> {
        self.call(Method::GET, with_segment(PATH, id, ""))
    }

    /// Creates or replaces a schedule. Its messages have this destination, a URL or a URL group.
    pub fn create_schedule(&self, destination: &str, schedule: &NewSchedule) -> Call<ScheduleCreated> {
        let NewSchedule { cron, id, queue, catch_up, message } = schedule;
        let options =
            [("Upstash-Schedule-Id", id), ("Upstash-Queue-Name", queue), ("Upstash-Sigpost-Catch-Up", catch_up)];
        let given = options.into_iter().filter_map(|(name, value)| Some((name, value.as_deref()?)));
        let call = self.call(Method::POST, with_destination(PATH, destination));
        message.add_to(call).header(header_of(cron), cron).headers(given)
    }

    /// Pauses a schedule.
    pub fn pause_schedule(&self, id: &str) -> Call<Done> {
        self.call(Method::POST, with_segment(PATH, id, "/pause"))
    }

    /// Resumes a schedule.
    pub fn resume_schedule(&self, id: &str) -> Call<Done> {
        self.call(Method::POST, with_segment(PATH, id, "/resume"))
    }

    /// Publishes the messages of a schedule now.
    pub fn run_schedule(&self, id: &str) -> Call<ScheduleRun> {
        self.call(Method::POST, with_segment(PATH, id, "/run"))
    }

    /// Deletes a schedule.
    pub fn delete_schedule(&self, id: &str) -> Call<Done> {
        self.call(Method::DELETE, with_segment(PATH, id, ""))
    }
}

/// Returns the header of an expression. QStash does not support seconds, so expressions with them have their own header.
fn header_of(cron: &str) -> &'static str {
    let fields = cron.split_whitespace().filter(|field| !field.contains("TZ=")).count();
    if fields == 6 { "Upstash-Sigpost-Cron" } else { "Upstash-Cron" }
}

#[cfg(test)]
mod tests {
    use super::header_of;

    #[test]
    fn seconds_have_a_header_of_their_own() {
        for cron in ["0 3 * * *", "CRON_TZ=Europe/Berlin 0 3 * * *", "nonsense"] {
            assert_eq!(header_of(cron), "Upstash-Cron", "{cron}");
        }
        for cron in ["*/10 * * * * *", "CRON_TZ=UTC  0 0 3 * * *"] {
            assert_eq!(header_of(cron), "Upstash-Sigpost-Cron", "{cron}");
        }
    }
}
