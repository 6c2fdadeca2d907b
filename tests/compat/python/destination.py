import queue
import threading
from dataclasses import dataclass
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

PATIENCE_SECONDS = 20


@dataclass
class Received:
    method: str
    path: str
    headers: Message
    body: str


class Destination:
    """A local destination that records its requests."""

    def __init__(self):
        received = self._received = queue.Queue()

        class Handler(BaseHTTPRequestHandler):
            def answer(self):
                body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()
                received.put(Received(self.command, self.path, self.headers, body))

            do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = answer

            def log_message(self, *_):
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def url(self, path):
        return f"http://127.0.0.1:{self._server.server_port}{path}"

    def next(self):
        """Returns the next request, in the order of arrival."""
        return self._received.get(timeout=PATIENCE_SECONDS)

    def stop(self):
        self._server.shutdown()
        self._server.server_close()
