"""Checks that jobs published to dispatch under `cargo lambda watch` run in the other functions, and that admin reports them."""

import contextlib
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

# Timeout of the start of a function and of a published job, in seconds.
PATIENCE = 60


class Resend(BaseHTTPRequestHandler):
    """Accepts every e-mail."""

    sent = []

    def do_POST(self):
        self.sent.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
        answer = b'{"id":"49a3999c-0ce1-4ea6-ab68-afcd6dc2e794"}'
        self.send_response(200)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_):
        pass


class Api:
    """The functions, at the URL of watch."""

    def __init__(self, variables):
        self.url = variables["BASE_URL"]
        self.token = variables["QSTASH_TOKEN"]
        self.admin_token = variables["ADMIN_TOKEN"]

    def ask(self, path, body=None, timeout=PATIENCE):
        data = None if body is None else json.dumps(body).encode()
        token = self.admin_token if path.startswith("/api/admin/") else self.token
        headers = {"Authorization": "Bearer " + token, "Content-Type": "application/json"}
        request = urllib.request.Request(self.url + path, data, headers)
        with urllib.request.urlopen(request, timeout=timeout) as response:
            return json.load(response)

    def publish(self, endpoint, job):
        return self.ask(f"/v2/publish/{self.url}{endpoint}", job)["messageId"]


def eventually(what, ask):
    """Returns the first non-empty result of `ask`; a function may still be starting."""
    end = time.monotonic() + PATIENCE
    while True:
        why = None
        try:
            if answer := ask():
                return answer
        except (urllib.error.URLError, OSError) as error:
            why = error
        if time.monotonic() > end:
            sys.exit(f"timeout after {PATIENCE} s: {what} ({why})")
        time.sleep(0.2)


def check(api):
    eventually("dispatch responds", lambda: api.ask("/v2/keys", timeout=10))
    jobs = {
        api.publish("/api/jobs/cleanup", {"retention": 90}),
        api.publish("/api/jobs/email", {
            "template": "welcome",
            "to": "ada@example.com",
            "data": {"dashboardUrl": "https://app.example.com"},
        }),
    }

    def delivered():
        events = api.ask("/v2/events")["events"]
        return jobs <= {event["messageId"] for event in events if event["state"] == "DELIVERED"}

    eventually("both jobs are recorded as delivered", delivered)
    assert [email["to"] for email in Resend.sent] == [["ada@example.com"]], Resend.sent
    ran = {job["type"]: job["completed"] for job in api.ask("/api/admin/job-health")["byType"]}
    assert ran == {"cleanup-old-data": 1, "send-email": 1}, ran


def main():
    with contextlib.ExitStack() as stack:
        log = stack.enter_context(tempfile.TemporaryFile("w+"))

        # Stops at the end of its input, and deletes its data.
        postgres = subprocess.Popen("target/debug/dev-postgres", stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        stack.enter_context(postgres)
        database = postgres.stdout.readline().split()[1]
        resend = ThreadingHTTPServer(("127.0.0.1", 0), Resend)
        threading.Thread(target=resend.serve_forever, daemon=True).start()

        variables = os.environ | {
            "DATABASE_URL": database,
            "RESEND_API_KEY": "re_watch",
            "RESEND_BASE_URL": "http://127.0.0.1:%d" % resend.server_port,
            "RESEND_FROM_EMAIL": "Acme <hello@acme.example>",
        }
        subprocess.run(["target/debug/sigpost", "migrate"], env=variables, check=True)
        watch = stack.enter_context(subprocess.Popen(["cargo", "lambda", "watch", "-A", "127.0.0.1"], env=variables, stdout=log, stderr=log))
        stack.callback(watch.terminate)

        with open("infra/watch.env") as lines:
            api = Api({name: value.strip('"') for name, value in (line.rstrip().split("=", 1) for line in lines)})
        try:
            check(api)
        except BaseException:
            log.seek(0)
            sys.stderr.write(log.read())
            raise
    print("cargo lambda watch: two jobs were published, run and recorded")


main()
