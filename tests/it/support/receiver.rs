//! A destination that responds as a test sets, and returns the requests that it received.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use axum::response::Response;
use bytes::Bytes;
use futures_util::stream::{self, StreamExt};
use tokio::net::TcpListener;
use tokio::sync::{Semaphore, mpsc};

/// Time limit for an expected event, which normally takes milliseconds.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// One received request.
#[derive(Clone, Debug)]
pub(crate) struct Received {
    pub(crate) method: Method,
    pub(crate) uri: Uri,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Received {
    /// Returns the header's value, or an empty text if it is absent.
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().expect("ASCII"))
    }

    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).expect("a JSON body")
    }
}

/// The response to one request.
#[derive(Clone)]
pub(crate) struct Answer {
    status: u16,
    headers: Vec<(String, String)>,
    body: AnswerBody,
    held: bool,
}

#[derive(Clone)]
enum AnswerBody {
    Full(Bytes),
    Endless,
    Broken,
}

impl Answer {
    pub(crate) fn status(status: u16) -> Self {
        Self { status, headers: Vec::new(), body: AnswerBody::Full(Bytes::new()), held: false }
    }

    pub(crate) fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    pub(crate) fn body(self, body: impl Into<Bytes>) -> Self {
        Self { body: AnswerBody::Full(body.into()), ..self }
    }

    /// Makes the body endless.
    pub(crate) fn endless(self) -> Self {
        Self { body: AnswerBody::Endless, ..self }
    }

    /// Closes the connection in the middle of the body.
    pub(crate) fn broken(self) -> Self {
        Self { body: AnswerBody::Broken, ..self }
    }

    /// Holds the response until [`Receiver::release`].
    pub(crate) fn held(self) -> Self {
        Self { held: true, ..self }
    }
}

/// A destination on its own port.
pub(crate) struct Receiver {
    url: String,
    received: tokio::sync::Mutex<mpsc::UnboundedReceiver<Received>>,
    left: tokio::sync::Mutex<mpsc::UnboundedReceiver<()>>,
    behaviour: Arc<Behaviour>,
}

struct Behaviour {
    answers: Mutex<VecDeque<Answer>>,
    otherwise: Mutex<Answer>,
    hold: Semaphore,
    received: mpsc::UnboundedSender<Received>,
    left: mpsc::UnboundedSender<()>,
}

/// Reports that the caller closed the connection if it is dropped before the response is complete.
struct Exchange {
    left: Option<mpsc::UnboundedSender<()>>,
}

impl Exchange {
    fn complete(mut self) {
        self.left = None;
    }
}

impl Drop for Exchange {
    fn drop(&mut self) {
        if let Some(left) = self.left.take() {
            let _ = left.send(());
        }
    }
}

impl Receiver {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let url = format!("http://{}", listener.local_addr().expect("address"));
        let (received_sender, received) = mpsc::unbounded_channel();
        let (left_sender, left) = mpsc::unbounded_channel();
        let behaviour = Arc::new(Behaviour {
            answers: Mutex::default(),
            otherwise: Mutex::new(Answer::status(200)),
            hold: Semaphore::new(0),
            received: received_sender,
            left: left_sender,
        });
        let router = Router::new().fallback(receive).with_state(Arc::clone(&behaviour));
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { url, received: received.into(), left: left.into(), behaviour }
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("{}{path}", self.url)
    }

    /// Sets the responses to the next requests, in order.
    pub(crate) fn answers(&self, answers: impl IntoIterator<Item = Answer>) {
        self.behaviour.answers.lock().expect("lock").extend(answers);
    }

    /// Sets the response to all requests beyond those (initially 200).
    pub(crate) fn otherwise(&self, answer: Answer) {
        *self.behaviour.otherwise.lock().expect("lock") = answer;
    }

    /// Releases `count` held responses.
    pub(crate) fn release(&self, count: usize) {
        self.behaviour.hold.add_permits(count);
    }

    /// Returns the next request, in the order of arrival.
    pub(crate) async fn next(&self) -> Received {
        let next = async { self.received.lock().await.recv().await.expect("the receiver runs") };
        tokio::time::timeout(PATIENCE, next).await.expect("a request arrives")
    }

    /// Returns the next `count` requests.
    pub(crate) async fn next_many(&self, count: usize) -> Vec<Received> {
        let mut requests = Vec::with_capacity(count);
        while requests.len() < count {
            requests.push(self.next().await);
        }
        requests
    }

    /// Returns the received requests that no call has returned yet.
    pub(crate) async fn all_so_far(&self) -> Vec<Received> {
        let mut received = self.received.lock().await;
        std::iter::from_fn(|| received.try_recv().ok()).collect()
    }

    /// Waits until a caller closes its connection before it received the whole response.
    pub(crate) async fn caller_disconnected(&self) {
        let left = async { self.left.lock().await.recv().await.expect("the receiver runs") };
        tokio::time::timeout(PATIENCE, left).await.expect("a caller leaves");
    }
}

async fn receive(State(behaviour): State<Arc<Behaviour>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let body = to_bytes(body, usize::MAX).await.expect("a whole body");
    let exchange = Exchange { left: Some(behaviour.left.clone()) };
    let next = behaviour.answers.lock().expect("lock").pop_front();
    let answer = next.unwrap_or_else(|| behaviour.otherwise.lock().expect("lock").clone());
    let _ = behaviour.received.send(Received { method: parts.method, uri: parts.uri, headers: parts.headers, body });

    if answer.held {
        behaviour.hold.acquire().await.expect("open").forget();
    }
    let mut response = Response::builder().status(StatusCode::from_u16(answer.status).expect("status"));
    for (name, value) in answer.headers {
        response = response.header(name, value);
    }
    let body = match answer.body {
        AnswerBody::Full(bytes) => {
            exchange.complete();
            Body::from(bytes)
        }
        AnswerBody::Broken => {
            exchange.complete();
            let broken = Err(std::io::Error::other("broken off on purpose"));
            Body::from_stream(stream::iter([Ok(chunk()), broken]))
        }
        AnswerBody::Endless => {
            let endless = stream::repeat(chunk()).map(move |chunk| {
                let _until_dropped = &exchange;
                Ok::<_, std::io::Error>(chunk)
            });
            Body::from_stream(endless)
        }
    };
    response.body(body).expect("response")
}

fn chunk() -> Bytes {
    Bytes::from_static(&[b'x'; 16 * 1024])
}
