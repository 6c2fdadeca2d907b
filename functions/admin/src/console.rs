//! The console: pages to look after a deployment with, at `/console`.
//!
//! A client of the dispatch API: what it shows and does is what the API says and does; only what the API
//! does not have is read from the database. HTML is made here, and the pages work without their script.

mod api;
mod assets;
mod chart;
mod confirm;
mod dead_letter;
mod dead_letters;
mod elements;
mod failure;
mod flow_control;
mod form;
mod guard;
mod headers;
mod keys;
mod layout;
mod login;
mod message;
mod messages;
mod notice;
mod overview;
mod page;
mod paging;
mod payload;
mod publish;
mod queues;
mod routes;
mod schedules;
mod session;
mod trends;
mod url_groups;

use std::sync::Arc;

use anyhow::Result;
use axum::Router;
use sigpost_store::Database;

use self::api::Api;
use self::session::Sessions;
use crate::admin_token::AdminToken;

/// What the console works with. Clones share it.
#[derive(Clone)]
pub(crate) struct Console {
    api: Api,
    database: Database,
    token: AdminToken,
    sessions: Sessions,
    jobs: Arc<[(String, String)]>,
}

/// What the console is given.
#[derive(Clone)]
pub struct ConsoleConfig {
    /// Who knows it may sign in. A new one ends all sessions.
    pub admin_token: AdminToken,
    /// Where the dispatch API is, such as `https://example.com`.
    pub api_url: String,
    /// The deployment's token for it, `QSTASH_TOKEN`.
    pub api_token: String,
    /// Jobs that may be published by name: each with the URL of its handler.
    pub jobs: Vec<(String, String)>,
}

/// The console's routes, all under `/console`.
///
/// # Errors
///
/// The API's address is none.
pub fn console(database: Database, config: &ConsoleConfig) -> Result<Router> {
    Ok(routes::router(Console {
        api: Api::new(&config.api_url, &config.api_token)?,
        database,
        sessions: Sessions::new(config.admin_token.session_key()),
        token: config.admin_token.clone(),
        jobs: config.jobs.clone().into(),
    }))
}

impl std::fmt::Debug for ConsoleConfig {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ConsoleConfig").field("api_url", &self.api_url).finish_non_exhaustive()
    }
}
