"""Queues."""

import os
import unittest

from qstash import QStash
from qstash.errors import QStashError

from destination import Destination

FINE = "https://mock.httpstatus.io/200"


class Queues(unittest.TestCase):
    def setUp(self):
        self.client = QStash(os.environ["QSTASH_TOKEN"])

    def test_queue_is_created_changed_listed_and_deleted(self):
        self.client.queue.upsert("made", parallelism=1)
        queue = self.client.queue.get("made")
        self.assertEqual((queue.name, queue.parallelism, queue.paused, queue.lag), ("made", 1, False, 0))
        self.client.queue.upsert("made", parallelism=2)
        self.assertEqual(self.client.queue.get("made").parallelism, 2)
        self.assertEqual([queue.name for queue in self.client.queue.list()], ["made"])
        self.client.queue.delete("made")
        self.client.queue.delete("made")
        self.assertEqual(self.client.queue.list(), [])
        with self.assertRaisesRegex(QStashError, "status: 404"):
            self.client.queue.get("made")

    def test_queue_is_paused_and_resumed(self):
        def paused():
            return self.client.queue.get("paused").paused

        self.client.queue.upsert("paused")
        self.assertFalse(paused())
        self.client.queue.pause("paused")
        self.assertTrue(paused())
        self.client.queue.resume("paused")
        self.assertFalse(paused())
        self.client.queue.upsert("paused", paused=True)
        self.assertTrue(paused())
        self.client.queue.upsert("paused", paused=False)
        self.assertFalse(paused())
        self.client.queue.delete("paused")

    def test_enqueue_creates_the_queue(self):
        enqueued = self.client.message.enqueue(queue="by-enqueue", url=FINE, body="b", headers={"test-header": "v"})
        message = self.client.message.get(enqueued.message_id)
        self.assertEqual((message.queue, message.body, message.headers), ("by-enqueue", "b", {"Test-Header": ["v"]}))
        self.assertEqual(self.client.queue.get("by-enqueue").parallelism, 1)

        enqueued = self.client.message.enqueue_json(queue="by-enqueue", url=FINE, body={"a": 1}, label="mine")
        message = self.client.message.get(enqueued.message_id)
        self.assertEqual((message.body, message.label), ('{"a": 1}', "mine"))
        self.client.queue.delete("by-enqueue")

    def test_queue_delivers_in_order(self):
        destination = Destination()
        self.addCleanup(destination.stop)
        self.client.queue.upsert("in-order", paused=True)
        for number in range(3):
            self.client.message.enqueue(queue="in-order", url=destination.url(f"/{number}"))
        self.assertEqual(self.client.queue.get("in-order").lag, 3)
        self.client.queue.resume("in-order")
        self.assertEqual([destination.next().path for _ in range(3)], ["/0", "/1", "/2"])
        self.client.queue.delete("in-order")
