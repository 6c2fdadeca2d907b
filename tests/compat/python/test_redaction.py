"""Redacted values are hidden from readers and delivered unchanged."""

import base64
import os
import unittest

from qstash import QStash
from qstash.log import LogState

from destination import Destination
from eventually import eventually


class Redaction(unittest.TestCase):
    def setUp(self):
        self.client = QStash(os.environ["QSTASH_TOKEN"])
        self.destination = Destination()
        self.addCleanup(self.destination.stop)

    def published(self, redact):
        message_id = self.client.message.publish(
            url=self.destination.url("/"),
            body="secret body",
            headers={"Authorization": "Bearer secret", "X-Open": "open"},
            redact=redact,
        ).message_id
        request = self.destination.next()
        self.assertEqual((request.body, request.headers["Authorization"]), ("secret body", "Bearer secret"))

        def rows():
            logs = self.client.log.list(filter={"message_id": message_id}).logs
            return any(log.state == LogState.DELIVERED for log in logs) and logs

        return self.client.message.get(message_id), eventually(rows)

    def test_body_is_redacted(self):
        message, logs = self.published({"body": True})
        self.assertRegex(message.body, "^REDACTED:[0-9a-f]{64}$")
        for log in logs:
            self.assertRegex(base64.b64decode(log.body_base64), b"^REDACTED:")
            self.assertEqual(log.headers["Authorization"], ["Bearer secret"])

    def test_all_headers_are_redacted(self):
        message, logs = self.published({"header": True})
        self.assertEqual(message.body, "secret body")
        for headers in [message.headers, *(log.headers for log in logs)]:
            self.assertNotIn("secret", str(headers))
            self.assertNotIn("open", str(headers))

    def test_body_and_header_are_redacted(self):
        message, logs = self.published({"body": True, "header": ["authorization"]})
        for headers in [message.headers, *(log.headers for log in logs)]:
            self.assertRegex(headers["Authorization"][0], "^REDACTED:")
            self.assertEqual(headers["X-Open"], ["open"])
        self.assertNotIn("secret", str(message))
