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

/// Views of the schema `seeds`, which insert a message or an event as one row.
pub const SEEDS: &str = include_str!("seeds.sql");

static TEMPLATE: OnceCell<()> = OnceCell::const_new();
static NUMBER: AtomicU32 = AtomicU32::new(0);
/// Maximum number of databases in use, on any number of cores: each has up to a dozen connections, and the server
/// permits 200. A test uses one database, so that tests cannot deadlock on the limit.
static PLACES: Semaphore = Semaphore::const_new(12);

/// A database for one test, with SQL access for setup and assertions. Clones share it.
#[derive(Clone)]
pub struct TestDatabase {
    /// Its URL, with a superuser.
    pub url: String,
    client: Arc<Client>,
    _place: Arc<SemaphorePermit<'static>>,
}

impl TestDatabase {
    /// Creates a database with the schema.
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

    /// Creates a database without a schema.
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

    /// Creates the schema on a server that belongs to the test.
    pub async fn on(server: &Server) -> Self {
        let place = PLACES.acquire().await.expect("open");
        let url = server.url("postgres");
        migrate::up(&Database::new(&url, 1).expect("database")).await.expect("migrations");
        Self { client: connect(&url).await, url, _place: Arc::new(place) }
    }

    /// Connects to the same database after a restart of its server.
    pub async fn reconnected(self, server: &Server) -> Self {
        let url = server.url("postgres");
        Self { client: connect(&url).await, url, ..self }
    }

    /// Returns the port of its server.
    pub fn port(&self) -> u16 {
        let (_, address) = self.url.split_once('@').expect("a user");
        let (address, _) = address.split_once('/').expect("a database");
        address.parse::<SocketAddr>().expect("an address").port()
    }

    /// Creates an API token of this name. `None` is the deployment's default limit of requests per second.
    pub async fn create_token(&self, name: &str, scope: Scope, rate_limit: Option<u32>) -> String {
        let (token, grant) = (generate(), Grant { scope, rate_limit: rate_limit.and_then(NonZeroU32::new) });
        let database = Database::new(&self.url, 1).expect("database");
        let mut conn = database.connection().await.expect("connection");
        assert!(create(&mut conn, name, TokenHash::of(token.as_bytes()), grant).await.expect("a response"));
        token
    }

    /// Returns the rows of a statement.
    pub async fn query(&self, sql: &str, params: &[&(dyn ToSql + Sync)]) -> Vec<Row> {
        self.client.query(sql, params).await.unwrap_or_else(|why| panic!("{sql}: {why}"))
    }

    /// Runs statements separated by `;`.
    pub async fn execute(&self, sql: &str) {
        self.client.batch_execute(sql).await.unwrap_or_else(|why| panic!("{sql}: {why}"));
    }

    /// Returns the first column of the first row as a number.
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
