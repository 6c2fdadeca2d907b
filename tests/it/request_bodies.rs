//! Clients that send a request body slowly or incompletely.

use std::time::{Duration, Instant};

use sigpost_jobs::Job;
use sigpost_qstash::DEV_TOKEN;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{interval, timeout};

use crate::console::console;
use crate::jobs::actor::Play;
use crate::jobs::deployment::Deployment;
use crate::support::TestApp;

/// Sends the head of a request with a body of 100 bytes, and one byte after each pause. Returns the response, and the
/// time until the server closed the connection.
async fn trickle(server: &str, path: &str, pause: Duration) -> (String, Duration) {
    let address = server.strip_prefix("http://").expect("http");
    let mut stream = TcpStream::connect(address).await.expect("a connection");
    let head = format!(
        "POST {path} HTTP/1.1\r\nHost: {address}\r\nAuthorization: Bearer {DEV_TOKEN}\r\nContent-Length: 100\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).await.expect("written");
    let (began, mut pauses, mut response) = (Instant::now(), interval(pause), Vec::new());
    let (mut reading, mut writing) = stream.split();
    let closed = async {
        loop {
            tokio::select! {
                read = reading.read_buf(&mut response) => if !read.is_ok_and(|read| read > 0) { return },
                // The server may have closed the connection.
                _ = pauses.tick() => drop(writing.write_all(b"x").await),
            }
        }
    };
    timeout(Duration::from_secs(20), closed).await.unwrap_or_else(|_| panic!("{path}: the connection is still open"));
    (String::from_utf8(response).expect("text"), began.elapsed())
}

#[tokio::test]
async fn every_program_limits_the_time_of_a_request_body() {
    let (deployment, _stage) = Deployment::acting().await;
    let app = &deployment.app;
    let console = console(app, &app.url).await;
    let publish = format!("/v2/publish/{}", app.receiver.url("/hook"));
    let (short, long) = (Duration::from_millis(500), Duration::from_secs(60));
    let [total, idle] = ["body: not complete within 5 s", "body: no data for 10 s"];
    let [login, job, queue, stalled] = futures_util::future::join_all([
        trickle(&console, "/console/login", short),
        trickle(&deployment.url, Play::ENDPOINT, short),
        trickle(&app.url, "/v2/queues", short),
        trickle(&app.url, &publish, long),
    ])
    .await
    .try_into()
    .expect("as many");
    for ((response, took), error, seconds) in
        [(login, total, 5), (job, total, 5), (queue, total, 5), (stalled, idle, 10)]
    {
        assert!(response.starts_with("HTTP/1.1 408 "), "{response}");
        assert!(
            response.contains(&format!(r#"{{"error":"{error}","code":"request_timeout","requestId":"#)),
            "{response}"
        );
        assert!(response.to_ascii_lowercase().contains("connection: close"), "{response}");
        let bound = Duration::from_secs(seconds);
        assert!((bound..bound + Duration::from_secs(3)).contains(&took), "{took:?}: {response}");
    }
    assert_eq!(app.database.count("select count(*) from messages").await, 0);
}

/// Returns the head of a publish whose body has this length.
fn publish_head(app: &TestApp, length: usize) -> String {
    let destination = app.receiver.url("/hook");
    format!(
        "POST /v2/publish/{destination} HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {DEV_TOKEN}\r\n\
         Content-Length: {length}\r\n"
    )
}

/// Publishes on a separate connection. Returns the response and the response time.
async fn publish_once(app: &TestApp) -> (String, Duration) {
    let began = Instant::now();
    let request = format!("{}Connection: close\r\n\r\nx", publish_head(app, 1));
    let mut stream = TcpStream::connect(address(app)).await.expect("a connection");
    let mut response = String::new();
    // A connection that the server drops has no response.
    let _ = stream.write_all(request.as_bytes()).await;
    let _ = stream.read_to_string(&mut response).await;
    (response, began.elapsed())
}

fn address(app: &TestApp) -> &str {
    app.url.strip_prefix("http://").expect("http")
}

#[tokio::test]
async fn stalled_bodies_delay_no_publish_from_the_same_address() {
    let app = TestApp::start_with(|config| config.dispatcher = None).await;
    // On a keep-alive connection.
    assert_eq!(app.publish_here(&[], "before").await.status, 200);
    let mut stalled = Vec::new();
    let (mut published, mut slowest) = (0, Duration::ZERO);
    for number in 0..1100 {
        let mut stream = TcpStream::connect(address(&app)).await.expect("a connection");
        stream.write_all(format!("{}\r\nx", publish_head(&app, 100)).as_bytes()).await.expect("written");
        stalled.push(stream);
        if number >= 1000 && number % 10 == 0 {
            let (response, took) = publish_once(&app).await;
            assert!(response.starts_with("HTTP/1.1 200 "), "{number}: {response:?}");
            (published, slowest) = (published + 1, slowest.max(took));
        }
    }
    assert_eq!(app.publish_here(&[], "after").await.status, 200);
    assert_eq!(app.database.count("select count(*) from messages").await, published + 2);
    // Milliseconds on an idle machine. Before the fix, no publish was accepted for 10 s.
    assert!(slowest < Duration::from_secs(2), "{slowest:?}");
    drop(stalled);
}
