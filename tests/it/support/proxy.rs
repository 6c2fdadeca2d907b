//! A proxy for Postgres or an HTTP server that can drop connections, change its target, and lose a response.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// Forwards connections to a local port. Existing connections end when the target changes.
pub(crate) struct Proxy {
    address: SocketAddr,
    leads_to: watch::Sender<Option<u16>>,
    forgotten: watch::Sender<()>,
    lost: Lost,
}

/// Text of the next statement whose response is lost.
type Lost = Arc<Mutex<Option<&'static str>>>;

impl Proxy {
    pub(crate) async fn to(port: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("address");
        let (leads_to, leading) = watch::channel(Some(port));
        let forgotten = watch::Sender::new(());
        let forgetting = forgotten.clone();
        let lost = Lost::default();
        let losing = Arc::clone(&lost);
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let (leading, forgotten, losing) = (leading.clone(), forgetting.subscribe(), Arc::clone(&losing));
                tokio::spawn(async move { pass_on(client, leading, forgotten, losing).await });
            }
        });
        Self { address, leads_to, forgotten, lost }
    }

    /// Returns the URL of the database through the proxy.
    pub(crate) fn url(&self, direct: &str) -> String {
        let (before, after) = direct.split_once('@').expect("a user");
        let (_, database) = after.split_once('/').expect("a database");
        format!("{before}@{}/{database}", self.address)
    }

    /// Returns the URL of an HTTP server through the proxy.
    pub(crate) fn http_url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Closes every connection. New ones are forwarded to this port, or closed immediately if it is `None`.
    pub(crate) fn forward_to(&self, port: Option<u16>) {
        self.leads_to.send_replace(port);
    }

    /// Stops forwarding on the existing connections without closing them, as when a network drops their state. New
    /// connections work.
    pub(crate) fn forget(&self) {
        self.forgotten.send_replace(());
    }

    /// Forwards the next statement or request that contains this text, and closes its connection instead of
    /// forwarding the response: it is committed, and the client does not know.
    pub(crate) fn lose_response_to(&self, text: &'static str) {
        *self.lost.lock().expect("lock") = Some(text);
    }

    /// Whether that statement was forwarded.
    pub(crate) fn has_lost_response(&self) -> bool {
        self.lost.lock().expect("lock").is_none()
    }
}

async fn pass_on(
    mut client: TcpStream,
    mut leading: watch::Receiver<Option<u16>>,
    mut forgotten: watch::Receiver<()>,
    losing: Lost,
) -> Option<()> {
    let port = *leading.borrow_and_update();
    let mut server = TcpStream::connect(("127.0.0.1", port?)).await.ok()?;
    let (mut request, mut answer) = (vec![0; 64 * 1024], vec![0; 64 * 1024]);
    let mut lost = false;
    loop {
        tokio::select! {
            read = client.read(&mut request) => {
                let bytes = request.get(..read.ok()?).filter(|bytes| !bytes.is_empty())?;
                let contains = |text: &str| bytes.windows(text.len()).any(|part| part == text.as_bytes());
                lost |= losing.lock().expect("lock").take_if(|text| contains(text)).is_some();
                server.write_all(bytes).await.ok()?;
            }
            read = server.read(&mut answer) => {
                let bytes = answer.get(..read.ok()?).filter(|bytes| !bytes.is_empty() && !lost)?;
                client.write_all(bytes).await.ok()?;
            }
            _ = leading.changed() => return None,
            // The connection stays open.
            Ok(()) = forgotten.changed() => std::future::pending().await,
        }
    }
}
