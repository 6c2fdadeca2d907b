"""Published messages are read back and delivered."""

import os
import unittest

from qstash import QStash
from qstash.log import LogState

from eventually import eventually

FINE = "https://mock.httpstatus.io/200"


class Publish(unittest.TestCase):
    def setUp(self):
        self.client = QStash(os.environ["QSTASH_TOKEN"])

    def assert_delivered_once(self, message_id):
        def delivered():
            return self.client.log.list(filter={"message_id": message_id, "state": LogState.DELIVERED}).logs

        self.assertEqual([log.message_id for log in eventually(delivered)], [message_id])

    def test_get_with_a_body_is_delivered_once(self):
        published = self.client.message.publish(
            url=FINE, method="GET", body="test-body", headers={"test-header": "test-value"}
        )
        self.assertTrue(published.message_id)
        self.assertFalse(published.deduplicated)
        self.assert_delivered_once(published.message_id)

    def test_json_is_read_back(self):
        published = self.client.message.publish_json(
            url=FINE, method="GET", body={"ex": ["a", {"b": None}]}, headers={"test-header": "test-value"}
        )
        message = self.client.message.get(published.message_id)
        self.assertEqual(message.method, "GET")
        self.assertEqual(message.body, '{"ex": ["a", {"b": null}]}')
        self.assertIsNone(message.body_base64)
        self.assertEqual(message.headers, {"Content-Type": ["application/json"], "Test-Header": ["test-value"]})
        self.assertEqual(message.max_retries, 3)
        self.assertEqual(message.not_before, message.created_at)
        self.assertEqual(message.caller_ip, "127.0.0.1")
        self.assert_delivered_once(published.message_id)

    def test_binary_body_is_shown_in_base64(self):
        published = self.client.message.publish(url=FINE, body=b"\xff\xfe\x00")
        message = self.client.message.get(published.message_id)
        self.assertIsNone(message.body)
        self.assertEqual(message.body_base64, "//4A")

    def test_retry_delay_is_shown_in_every_event(self):
        published = self.client.message.publish(url=FINE, retry_delay="7000 * retried")

        def rows():
            logs = self.client.log.list(filter={"message_id": published.message_id}).logs
            return any(log.state == LogState.DELIVERED for log in logs) and logs

        self.assertEqual({log.retry_delay_expression for log in eventually(rows)}, {"7000 * retried"})

    def test_timeout_in_seconds_is_accepted(self):
        published = self.client.message.publish(url=FINE, timeout=90)
        self.assertEqual(self.client.message.get(published.message_id).url, FINE)

    def test_headers_of_callbacks_are_read_back(self):
        published = self.client.message.publish(
            url=FINE,
            delay="1h",
            callback="https://example.com/back",
            failure_callback="https://example.com/failed",
            callback_headers={"forward-x-mine": "back"},
            failure_callback_headers={"forward-x-mine": "failed"},
        )
        message = self.client.message.get(published.message_id)
        self.assertEqual(message.callback_headers, {"X-Mine": ["back"]})
        self.assertEqual(message.failure_callback_headers, {"X-Mine": ["failed"]})

    def test_content_based_deduplication_detects_equal_contents(self):
        def publish(body, asked):
            return self.client.message.publish(url=FINE, body=body, delay="1h", content_based_deduplication=asked)

        first, second = publish("same", True), publish("same", True)
        self.assertEqual((second.message_id, second.deduplicated), (first.message_id, True))
        self.assertFalse(publish("other", True).deduplicated)
        self.assertFalse(publish("same", False).deduplicated)

    def test_duplicate_returns_the_id_of_the_first_message(self):
        def publish():
            return self.client.message.publish(url=FINE, delay="1h", deduplication_id="once")

        first, second = publish(), publish()
        self.assertEqual((second.message_id, second.deduplicated), (first.message_id, True))

    def test_label_is_read_back(self):
        published = self.client.message.publish(url=FINE, label="mine")
        self.assertEqual(self.client.message.get(published.message_id).label, "mine")
