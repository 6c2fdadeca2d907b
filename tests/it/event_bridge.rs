//! Schedules with EventBridge Scheduler as the driver.

mod crashes;
mod firing;
mod mirroring;

use dispatch::config::EventBridge as Settings;

use crate::support::TestApp;

const HOURLY: (&str, &str) = ("Upstash-Cron", "0 * * * *");

/// Starts a function whose schedules are mirrored to this EventBridge.
async fn start(settings: &Settings) -> TestApp {
    TestApp::start_with(|config| config.event_bridge = Some(settings.clone())).await
}
