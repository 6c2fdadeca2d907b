//! One database per test, copied from a template that has the schema.

use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use sigpost_dev_postgres::{Server, testing};
use sigpost_store::api_tokens::{Grant, Scope, TokenHash, create, generate};
use sigpost_store::{Database, database, migrate};
use tokio::sync::{OnceCell, Semaphore, SemaphorePermit};
use tokio_postgres::types::ToSql;
use tokio_postgres::{Client, NoTls, Row};

/// Views of the schema `seeds`, to write messages and events as one row each.
pub const SEEDS: &str = include_str!("seeds.sql");

static TEMPLATE: OnceCell<()> = OnceCell::const_new();
static NUMBER: AtomicU32 = AtomicU32::new(0);
/// Databases in use at once, whatever the number of cores: each has a dozen connections at most,
/// and the server allows 200. A test has one database, so that none waits for another that it holds.
static PLACES: Semaphore = Semaphore::const_new(12);

/// A database of a test's own, with plain SQL access for looking and for arranging. Clones share it.
#[derive(Clone)]
pub struct TestDatabase {
    /// Its URL, with a user that may do anything.
    pub url: String,
    client: Arc<Client>,
    _place: Arc<SemaphorePermit<'static>>,
}

impl TestDatabase {
    /// With the schema.
    pub async fn new() -> Self {
        let server = server().await;
        TEMPLATE
            .get_or_init(async || {
                database::create(&server.url("postgres"), "template", None).await.expect("template");
                let template = Database::new(&server.url("template"), 1).expect("template");
                migrate::up(&template).await.expect("migrations");
                connect(&server.url("template")).await.batch_execute(SEEDS).await.expect("seeds");
            })
            .await;
        Self::copied_from(Some("template")).await
    }

    /// Without any schema.
    pub async fn empty() -> Self {
        Self::copied_from(None).await
    }

    async fn copied_from(template: Option<&str>) -> Self {
        let place = PLACES.acquire().await.expect("open");
        let server = server().await;
        let name = format!("test_{}", NUMBER.fetch_add(1, Ordering::Relaxed));
        database::create(&server.url("postgres"), &name, template).await.expect("database");
        let url = server.url(&name);
        Self { client: connect(&url).await, url, _place: Arc::new(place) }
    }

    /// With the schema, on a server of the test's own.
    pub async fn on(server: &Server) -> Self {
        let place = PLACES.acquire().await.expect("open");
        let url = server.url("postgres");
        migrate::up(&Database::new(&url, 1).expect("database")).await.expect("migrations");
        Self { client: connect(&url).await, url, _place: Arc::new(place) }
    }

    /// The same database after its server was started anew.
    pub async fn reconnected(self, server: &Server) -> Self {
        let url = server.url("postgres");
        Self { client: connect(&url).await, url, ..self }
    }

    /// The port of its server.
    pub fn port(&self) -> u16 {
        let (_, address) = self.url.split_once('@').expect("a user");
        let (address, _) = address.split_once('/').expect("a database");
        address.parse::<SocketAddr>().expect("an address").port()
    }

    /// A token of the API by this name; `None` for the deployment's own limit of requests per second.
    pub async fn create_token(&self, name: &str, scope: Scope, rate_limit: Option<u32>) -> String {
        let (token, grant) = (generate(), Grant { scope, rate_limit: rate_limit.and_then(NonZeroU32::new) });
        let database = Database::new(&self.url, 1).expect("database");
        let mut conn = database.connection().await.expect("connection");
        assert!(create(&mut conn, name, TokenHash::of(token.as_bytes()), grant).await.expect("an answer"));
        token
    }

    /// The rows of a statement.
    pub async fn query(&self, sql: &str, params: &[&(dyn ToSql + Sync)]) -> Vec<Row> {
        self.client.query(sql, params).await.unwrap_or_else(|why| panic!("{sql}: {why}"))
    }

    /// Runs statements, with `;` between them.
    pub async fn execute(&self, sql: &str) {
        self.client.batch_execute(sql).await.unwrap_or_else(|why| panic!("{sql}: {why}"));
    }

    /// The first column of the first row, as a number.
    pub async fn count(&self, sql: &str) -> i64 {
        self.query(sql, &[]).await[0].get(0)
    }
}

async fn connect(url: &str) -> Arc<Client> {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await.expect("connection");
    tokio::spawn(connection);
    Arc::new(client)
}

async fn server() -> &'static Server {
    tokio::task::spawn_blocking(testing::shared).await.expect("Postgres")
}
