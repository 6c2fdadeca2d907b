"""The event log of messages."""

import os
import time
import unittest

from qstash import QStash
from qstash.log import LogState

from eventually import eventually

FINE = "https://mock.httpstatus.io/200"
MISSING = "https://mock.httpstatus.io/404"


class Logs(unittest.TestCase):
    def setUp(self):
        self.client = QStash(os.environ["QSTASH_TOKEN"])

    def ended(self, state, **options):
        message_id = self.client.message.publish(**{"url": FINE, **options}).message_id

        def rows():
            logs = self.client.log.list(filter={"message_id": message_id}).logs
            return any(log.state == state for log in logs) and logs

        return message_id, eventually(rows)

    def listed(self, **filters):
        return {log.message_id for log in self.client.log.list(filter=filters).logs}

    def test_every_event_shows_its_message(self):
        _, logs = self.ended(
            LogState.DELIVERED, body="wörld", headers={"test-header": "v"}, label="mine", timeout=9, retries=2
        )
        self.assertEqual([log.state for log in logs], [LogState.DELIVERED, LogState.ACTIVE, LogState.CREATED])
        for log in logs:
            self.assertEqual((log.url, log.method, log.label), (FINE, "POST", "mine"))
            self.assertEqual((log.body_base64, log.headers), ("d8O2cmxk", {"Test-Header": ["v"]}))
            self.assertEqual((log.timeout, log.max_retries), (9_000, 2))

    def test_failed_attempt_is_logged_with_its_response(self):
        _, logs = self.ended(LogState.FAILED, url=MISSING, retries=1, retry_delay="10")
        self.assertEqual(
            [log.state.value for log in reversed(logs)],
            ["CREATED", "ACTIVE", "ERROR", "RETRY", "ACTIVE", "ERROR", "FAILED"],
        )
        for log in logs:
            if log.state == LogState.ERROR:
                self.assertEqual((log.response_status, log.response_body), (404, "NDA0IE5vdCBGb3VuZA=="))
                self.assertIn("Content-Length", log.response_headers)
                self.assertTrue(log.error)
        [retry] = [log for log in logs if log.state == LogState.RETRY]
        self.assertGreaterEqual(retry.next_delivery_time, retry.time)

    def test_labels_urls_and_ids_are_filters(self):
        one, _ = self.ended(LogState.DELIVERED, label="chosen")
        two, _ = self.ended(LogState.DELIVERED, url=f"{FINE}?chosen")
        self.ended(LogState.DELIVERED)
        self.assertEqual(self.listed(label="chosen"), {one})
        self.assertEqual(self.listed(url=f"{FINE}?chosen"), {two})
        self.assertEqual(self.listed(message_ids=[one, two]), {one, two})

    def test_states_and_times_are_filters(self):
        message_id, _ = self.ended(LogState.DELIVERED)
        for state, expected in [
            (LogState.CREATED, 1),
            (LogState.DELIVERED, 1),
            (LogState.FAILED, 0),
            (LogState.IN_PROGRESS, 1),
        ]:
            logs = self.client.log.list(filter={"message_id": message_id, "state": state}).logs
            self.assertEqual(len(logs), expected, state)
        minute_ago = int(time.time() * 1000) - 60_000
        self.assertEqual(self.listed(message_id=message_id, from_time=minute_ago), {message_id})
        self.assertEqual(self.listed(message_id=message_id, to_time=minute_ago), set())

    def test_page_has_a_cursor_and_the_last_has_none(self):
        self.ended(LogState.DELIVERED, label="paged")
        states, cursor = [], None
        while True:
            page = self.client.log.list(filter={"label": "paged"}, count=2, cursor=cursor)
            states += [log.state.value for log in page.logs]
            cursor = page.cursor
            if cursor is None:
                break
        self.assertEqual(states, ["DELIVERED", "ACTIVE", "CREATED"])
