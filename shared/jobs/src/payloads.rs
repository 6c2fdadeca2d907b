//! Payloads of the job types of this repository. Publishers and handlers share them, so that no function depends on another.

pub mod address;
pub mod check_job_health;
pub mod cleanup_old_data;
pub mod create_notification;
pub mod export_data;
pub mod generate_report;
pub mod process_stripe_webhook;
pub mod process_webhook;
pub mod recipients;
pub mod send_email;

pub use check_job_health::CheckJobHealth;
pub use cleanup_old_data::CleanupOldData;
pub use create_notification::CreateNotification;
pub use export_data::ExportData;
pub use generate_report::GenerateReport;
pub use process_stripe_webhook::ProcessStripeWebhook;
pub use process_webhook::ProcessWebhook;
pub use send_email::SendEmail;
