//! The destination closes idle keep-alive connections without notice.

use dispatch::dispatcher::StepKind;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;

use crate::support::TestApp;

/// The server's reaction to the next request on a connection.
#[derive(Clone, Copy, Debug)]
enum Then {
    /// Responds with 200 and keeps the connection.
    Respond,
    /// Reads the request and closes the connection.
    Close,
    /// Closes the connection before it reads the request, which resets the connection.
    Reset,
}

const OK: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";

/// Starts a server that handles each connection by the next of these lists. It reports `Upstash-Message-Id` and
/// `Upstash-Retried` of each request that it reads.
async fn server(connections: Vec<Vec<Then>>) -> (String, mpsc::UnboundedReceiver<(String, String)>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let url = format!("http://{}/hook", listener.local_addr().expect("address"));
    let (sender, requests) = mpsc::unbounded_channel();
    tokio::spawn(async move {
        for steps in connections {
            let (socket, _) = listener.accept().await.expect("a caller");
            let mut socket = BufReader::new(socket);
            for step in steps {
                match step {
                    Then::Reset => {
                        socket.get_ref().readable().await.expect("a request");
                        break;
                    }
                    Then::Close => drop(sender.send(read(&mut socket).await)),
                    Then::Respond => {
                        drop(sender.send(read(&mut socket).await));
                        socket.write_all(OK).await.expect("written");
                    }
                }
            }
        }
    });
    (url, requests)
}

/// Reads a request without a body.
async fn read(socket: &mut BufReader<TcpStream>) -> (String, String) {
    let (mut id, mut retried) = (String::new(), String::new());
    loop {
        let mut line = String::new();
        socket.read_line(&mut line).await.expect("a line");
        match line.trim_end().split_once(": ") {
            Some(("upstash-message-id", value)) => id = value.to_owned(),
            Some(("upstash-retried", value)) => retried = value.to_owned(),
            _ if line.trim_end().is_empty() => return (id, retried),
            _ => {}
        }
    }
}

const ONE_ATTEMPT: &[(&str, &str)] = &[("Upstash-Retries", "0")];

#[tokio::test]
async fn closed_keep_alive_connection_costs_no_attempt() {
    for closing in [Then::Close, Then::Reset] {
        let app = TestApp::start().await;
        let (url, mut requests) = server(vec![vec![Then::Respond, closing], vec![Then::Respond]]).await;
        let first = app.publish(&url, ONE_ATTEMPT, "").await.id();
        app.wait_for(first, StepKind::Delivered).await;
        let second = app.publish(&url, ONE_ATTEMPT, "").await.id();
        app.wait_for(second, StepKind::Delivered).await;
        assert_eq!(app.states(second).await, "CREATED ACTIVE DELIVERED", "{closing:?}");

        let read = std::iter::from_fn(|| requests.try_recv().ok()).collect::<Vec<_>>();
        let request = |id: sigpost_qstash::MessageId| (id.to_string(), "0".to_owned());
        let expected = match closing {
            Then::Close => vec![request(first), request(second), request(second)],
            _ => vec![request(first), request(second)],
        };
        assert_eq!(read, expected, "{closing:?}");
    }
}

#[tokio::test]
async fn request_is_repeated_once_before_the_attempt_fails() {
    let app = TestApp::start().await;
    let connections = vec![vec![Then::Respond, Then::Close], vec![Then::Close], vec![Then::Respond]];
    let (url, mut requests) = server(connections).await;
    let first = app.publish(&url, ONE_ATTEMPT, "").await.id();
    app.wait_for(first, StepKind::Delivered).await;
    let second = app.publish(&url, ONE_ATTEMPT, "").await.id();
    app.wait_for(second, StepKind::Failed).await;
    assert_eq!(std::iter::from_fn(|| requests.try_recv().ok()).count(), 3);
}

#[tokio::test]
async fn closed_new_connection_fails_the_attempt() {
    for closing in [Then::Close, Then::Reset] {
        let app = TestApp::start().await;
        let (url, mut requests) = server(vec![vec![closing], vec![Then::Respond]]).await;
        let id = app.publish(&url, &[("Upstash-Retries", "1")], "").await.id();
        app.wait_for(id, StepKind::Retried).await;
        app.make_messages_due().await;
        app.wait_for(id, StepKind::Delivered).await;
        assert_eq!(app.states(id).await, "CREATED ACTIVE ERROR RETRY ACTIVE DELIVERED", "{closing:?}");
        let retried = std::iter::from_fn(|| requests.try_recv().ok()).map(|(_, retried)| retried).collect::<Vec<_>>();
        let expected: &[&str] = if matches!(closing, Then::Close) { &["0", "1"] } else { &["1"] };
        assert_eq!(retried, expected, "{closing:?}");
    }
}

#[tokio::test]
async fn server_closing_after_each_response_gets_every_first_attempt() {
    let app = TestApp::start().await;
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let url = format!("http://{}/hook", listener.local_addr().expect("address"));
    tokio::spawn(async move {
        loop {
            let (mut socket, _) = listener.accept().await.expect("a caller");
            tokio::spawn(async move {
                let _ = socket.read(&mut [0; 4096]).await;
                let _ = socket.write_all(OK).await;
            });
        }
    });
    let mut ids = Vec::new();
    for _ in 0..200 {
        ids.push(app.publish(&url, ONE_ATTEMPT, "").await.id());
    }
    for id in ids {
        app.wait_for(id, StepKind::Delivered).await;
    }
}
