//! A running Postgres.

use std::{
    fmt,
    net::{Ipv4Addr, TcpListener},
    path::PathBuf,
    time::SystemTime,
};

use crate::{
    binaries::Binaries,
    cluster,
    error::{Doing, Error},
    home::Home,
    identity::Identity,
    options::Options,
    orphan, readiness, settings,
    watchdog::Watchdog,
};

/// Maximum number of starts if another program takes the port before Postgres binds it.
const PORT_ATTEMPTS: u32 = 5;

/// A running Postgres, which ends with this value or with this process, whichever is first.
pub struct Server {
    /// `None` once it was stopped.
    running: Option<(Home, Watchdog)>,
    port: u16,
    pid: u32,
    binaries: Binaries,
    password: String,
}

impl Server {
    /// Starts a Postgres, making its database cluster first if there is none.
    ///
    /// This takes about half a second the first time (seconds for durable data that is kept, on a
    /// slow disk) and 50 ms after that; a machine without Postgres downloads it once. `progress`
    /// is given lines for people whenever it may take longer.
    pub fn start(options: Options, progress: &mut dyn FnMut(&str)) -> Result<Self, Error> {
        let identity = Identity::current()?;
        let home = Home::open(&options.data_dir, &identity, progress)?;
        let major = cluster::major(&home, &identity)?;
        let binaries = Binaries::find(major.as_deref(), &identity, progress)?;
        home.make_log(&identity)?;
        let password = cluster::prepare(&home, major, &binaries, &identity, options.durability, progress)?;
        orphan::stop(&home.cluster(), progress)?;

        let (watchdog, port, pid) = launch(&home, &binaries, &identity, &options)?;
        Ok(Self { running: Some((home, watchdog)), port, pid, binaries, password })
    }

    /// The URL of a database of this server, for the superuser `sigpost`. `database` is put in
    /// as it is, so it has to be a name that needs no escaping in a URL.
    pub fn url(&self, database: &str) -> String {
        format!("postgres://{}:{}@127.0.0.1:{}/{database}", cluster::USER, self.password, self.port)
    }

    /// The port on 127.0.0.1. It is another one after each start.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The process id of Postgres.
    pub fn pid(&self) -> u32 {
        self.pid
    }

    /// The version of Postgres, such as `15.20`.
    pub fn version(&self) -> &str {
        self.binaries.version()
    }

    /// Another program of the same installation, such as `pg_dump`; `None` where it has none. Those of
    /// the server itself are always there, those of its clients may be a package of their own.
    pub fn program(&self, name: &str) -> Option<PathBuf> {
        Some(self.binaries.program(name)).filter(|path| path.is_file())
    }

    /// Stops Postgres and waits until it has ended: open transactions are rolled back, clients
    /// are cut off, and what was committed is on disk. Removes temporary data.
    ///
    /// Stopping twice does nothing. Dropping the server stops it too.
    pub fn stop(&mut self) -> Result<(), Error> {
        // Declared in this order, the folder goes last, whatever happens below.
        let Some((home, mut watchdog)) = self.running.take() else {
            return Ok(());
        };
        watchdog.stop().doing(|| "stop PostgreSQL".to_owned())?;
        // Postgres still runs only if the watchdog was killed.
        orphan::stop(&home.cluster(), &mut |_| {})
    }
}

/// Without the password.
impl fmt::Debug for Server {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Server")
            .field("port", &self.port)
            .field("pid", &self.pid)
            .field("version", &self.version())
            .finish_non_exhaustive()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Errors are ignored here; the next start on this data reports them.
        let _ = self.stop();
    }
}

/// Starts Postgres on a free port.
fn launch(
    home: &Home,
    binaries: &Binaries,
    identity: &Identity,
    options: &Options,
) -> Result<(Watchdog, u16, u32), Error> {
    let mut attempt = 1;
    loop {
        let port = free_port()?;
        let arguments = settings::arguments(&home.cluster(), port, options);
        let started = SystemTime::now();
        let mut watchdog = Watchdog::start(identity, home, &binaries.program("postgres"), &arguments)?;
        match readiness::wait(&mut watchdog, home, port, started) {
            Ok(pid) => return Ok((watchdog, port, pid)),
            Err(error) if readiness::lost_the_port(&error) && attempt < PORT_ATTEMPTS => {
                attempt += 1;
            }
            Err(error) => return Err(error),
        }
    }
}

/// A port that is free now. Postgres cannot be told to choose one.
fn free_port() -> Result<u16, Error> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
        .and_then(|listener| listener.local_addr())
        .map(|address| address.port())
        .doing(|| "find a free port on 127.0.0.1".to_owned())
}
