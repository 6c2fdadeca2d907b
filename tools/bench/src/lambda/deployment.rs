//! Deployment in the emulator: the programs of the functions, with one database.

use std::collections::HashMap;
use std::net::{Ipv4Addr, TcpListener};
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result};
use lambda_emulator::{Definition, Function};
use sigpost_qstash::SigningKeys;

use super::programs::{DISPATCH, Programs, SEND_EMAIL};

/// Timeout of the handler, as in `infra/template.yaml`. The longer timeout of `dispatch` is not needed here.
const TIMEOUT: Duration = Duration::from_secs(60);
/// Environments of a function that is not a handler, each with one of the 100 connections of Postgres.
const CONCURRENCY: usize = 40;
/// Environments of a handler, each with two connections (run and heartbeat), as in `infra/template.yaml`.
const HANDLER_CONCURRENCY: usize = 20;

/// Environment variables of all functions, and the listener of the handler's URL.
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
    /// Creates a deployment with this database and this base URL of Resend.
    pub(super) fn new(programs: &'a Programs, database_url: &str, resend_url: &str) -> Result<Self> {
        let handler = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("no free port")?;
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

    /// Creates a function without environments.
    pub(super) fn function(&self, name: &str) -> Function {
        self.of_program(self.programs.path(name), name != DISPATCH && name != "admin")
    }

    /// Creates a function with another program.
    pub(super) fn foreign_function(&self, program: PathBuf) -> Function {
        self.of_program(program, false)
    }

    /// Starts the handler at its URL.
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
