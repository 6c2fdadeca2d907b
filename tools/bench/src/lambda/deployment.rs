//! A deployment in the emulator: the programs of the functions, on one database.

use std::collections::HashMap;
use std::net::{Ipv4Addr, TcpListener};
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result};
use sigpost_dev_lambda::{Definition, Function};
use sigpost_qstash::SigningKeys;

use super::programs::Programs;

/// The function that accepts and delivers.
pub(super) const DISPATCH: &str = "dispatch";
/// The handler whose jobs are measured.
pub(super) const SEND_EMAIL: &str = "send-email";
/// All of them.
pub(super) const FUNCTIONS: [&str; 4] = [DISPATCH, "admin", SEND_EMAIL, "cleanup-old-data"];

/// As in `infra/template.yaml` for the handler; `dispatch` has longer, which no figure needs.
const TIMEOUT: Duration = Duration::from_secs(60);
/// Environments of a function that is no handler, each with a connection of Postgres's 100.
const CONCURRENCY: usize = 40;
/// Environments of a handler, each with two: a run's and its heartbeat's, as in `infra/template.yaml`.
const HANDLER_CONCURRENCY: usize = 20;

/// The variables of all functions, and the listener of the handler's URL, which is one of them.
pub(super) struct Deployment<'a> {
    programs: &'a Programs,
    variables: HashMap<String, String>,
    /// The token of the API.
    pub(super) token: String,
    /// The URL of [`SEND_EMAIL`].
    pub(super) handler_url: String,
    handler: TcpListener,
}

impl<'a> Deployment<'a> {
    /// On this database; e-mails go to the Resend at this URL.
    pub(super) fn new(programs: &'a Programs, database_url: &str, resend_url: &str) -> Result<Self> {
        let handler = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("there is no free port")?;
        let handler_url = format!("http://{}", handler.local_addr()?);
        let (keys, token) = (SigningKeys::generate(), SigningKeys::generate().current);
        let variables = [
            ("DATABASE_URL", database_url),
            ("QSTASH_TOKEN", &token),
            ("ADMIN_TOKEN", &SigningKeys::generate().current),
            ("QSTASH_CURRENT_SIGNING_KEY", &keys.current),
            ("QSTASH_NEXT_SIGNING_KEY", &keys.next),
            ("ALLOW_TARGETS", "127.0.0.0/8"),
            ("BASE_URL", &handler_url),
            ("RESEND_BASE_URL", resend_url),
            ("RESEND_API_KEY", "re_bench"),
            ("RESEND_FROM_EMAIL", "Acme <hello@acme.example>"),
        ];
        let variables = variables.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
        Ok(Self { programs, variables, token, handler_url, handler })
    }

    /// A function without an environment yet.
    pub(super) fn function(&self, name: &str) -> Function {
        self.of_program(self.programs.path(name), name != DISPATCH && name != "admin")
    }

    /// A function with a program that is none of ours.
    pub(super) fn foreign_function(&self, program: PathBuf) -> Function {
        self.of_program(program, false)
    }

    /// The handler, at its URL.
    pub(super) fn handler(&self) -> Result<Function> {
        let handler = self.function(SEND_EMAIL);
        handler.serve_url(self.handler.try_clone()?)?;
        Ok(handler)
    }

    fn of_program(&self, program: PathBuf, runs_jobs: bool) -> Function {
        let mut variables = self.variables.clone();
        if runs_jobs {
            variables.insert("DATABASE_CONNECTIONS".into(), "2".into());
        }
        let concurrency = if runs_jobs { HANDLER_CONCURRENCY } else { CONCURRENCY };
        Function::new(Definition { program, variables, timeout: TIMEOUT, concurrency, managed: None, log: false })
    }
}
