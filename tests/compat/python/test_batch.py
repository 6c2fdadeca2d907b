"""Several messages in one request."""

import os
import unittest

from qstash import QStash
from qstash.message import BatchResponse

from eventually import eventually

FINE = "https://mock.httpstatus.io/200"


class Batch(unittest.TestCase):
    def setUp(self):
        self.client = QStash(os.environ["QSTASH_TOKEN"])

    def delivered(self, message_id):
        def rows():
            return self.client.log.list(filter={"message_id": message_id}).logs

        return eventually(lambda: any(log.state.value == "DELIVERED" for log in rows()))

    def test_results_are_in_message_order(self):
        batch = [
            {"url": FINE, "body": f"number {number}", "method": "GET", "headers": {"test-header": str(number)}}
            for number in range(5)
        ]
        results = self.client.message.batch(batch)
        self.assertEqual([type(result) for result in results], [BatchResponse] * 5)
        for number, result in enumerate(results):
            message = self.client.message.get(result.message_id)
            self.assertEqual((message.body, message.method), (f"number {number}", "GET"))
            self.assertEqual(message.headers, {"Test-Header": [str(number)]})
            self.delivered(result.message_id)

    def test_content_type_in_the_headers_applies(self):
        [result] = self.client.message.batch([{"url": FINE, "body": "x", "headers": {"content-type": "text/x-mine"}}])
        self.assertEqual(self.client.message.get(result.message_id).headers, {"Content-Type": ["text/x-mine"]})

    def test_json_bodies_have_the_content_type_json(self):
        results = self.client.message.batch_json([{"url": FINE, "body": {"hello": "world"}}, {"url": FINE}])
        messages = [self.client.message.get(result.message_id) for result in results]
        self.assertEqual([message.body for message in messages], ['{"hello": "world"}', "null"])
        self.assertEqual(messages[0].headers, {"Content-Type": ["application/json"]})

    def test_message_with_null_body_and_queue_is_accepted(self):
        [result] = self.client.message.batch([{"url": FINE}])
        message = self.client.message.get(result.message_id)
        self.assertIsNone(message.queue)
        self.assertFalse(message.body)

    def test_flow_control_is_read_back(self):
        values = [
            {"key": "batched", "parallelism": 3},
            {"key": "batched", "rate": 4, "period": "1h30m3s"},
            {"key": "batched", "parallelism": 5, "rate": 6, "period": 7},
        ]
        batch = [{"url": FINE, "delay": "1h", "flow_control": value} for value in values]
        told = [self.client.message.get(result.message_id).flow_control for result in self.client.message.batch(batch)]
        self.assertEqual(
            [(one.key, one.parallelism, one.rate, one.period) for one in told],
            [("batched", 3, None, 1), ("batched", None, 4, 5403), ("batched", 5, 6, 7)],
        )

    def test_labels_are_read_back(self):
        results = self.client.message.batch([{"url": FINE, "label": "a"}, {"url": FINE}, {"url": FINE, "label": "b"}])
        labels = [self.client.message.get(result.message_id).label for result in results]
        self.assertEqual(labels, ["a", None, "b"])

    def test_groups_and_queues_are_accepted(self):
        self.client.url_group.upsert_endpoints("batched", [{"url": f"{FINE}?1"}, {"url": f"{FINE}?2"}])
        self.client.queue.upsert("batched", paused=True)
        to_group, to_queue = self.client.message.batch_json(
            [{"url_group": "batched", "body": 1}, {"url": FINE, "queue": "batched", "body": 2}]
        )
        self.assertEqual([one.url for one in to_group], [f"{FINE}?1", f"{FINE}?2"])
        self.assertEqual(self.client.message.get(to_queue.message_id).queue, "batched")
        self.client.url_group.delete("batched")
        self.client.queue.delete("batched")

    def test_duplicate_is_reported_at_its_position(self):
        message = {"url": FINE, "delay": "1h", "deduplication_id": "in-a-batch"}
        first, second = self.client.message.batch([message, message])
        self.assertEqual((second.message_id, first.deduplicated, second.deduplicated), (first.message_id, False, True))
