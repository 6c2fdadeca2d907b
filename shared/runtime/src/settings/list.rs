//! All settings. The page of the reference has a section for each file.

mod admin;
mod alerts;
mod aws;
mod database;
mod delivery;
mod development;
mod handlers;
mod processes;
mod traces;

pub use admin::*;
pub use alerts::*;
pub use aws::*;
pub use database::*;
pub use delivery::*;
pub use development::*;
pub use handlers::*;
pub use processes::*;
pub use traces::*;

use super::setting::{Section, Setting};

/// The sections of the reference.
pub const SECTIONS: [Section; 9] = [
    Section { title: "Database", settings: &database::ALL },
    Section { title: "API and delivery", settings: &delivery::ALL },
    Section { title: "Processes", settings: &processes::ALL },
    Section { title: "Traces", settings: &traces::ALL },
    Section { title: "AWS", settings: &aws::ALL },
    Section { title: "Admin API and console", settings: &admin::ALL },
    Section { title: "Job handlers", settings: &handlers::ALL },
    Section { title: "Alerts", settings: &alerts::ALL },
    Section { title: "Development", settings: &development::ALL },
];

/// Returns every setting.
pub fn all() -> impl Iterator<Item = Setting> {
    SECTIONS.iter().flat_map(|section| section.settings.iter().copied())
}
