"""Tokens with limited scopes."""

import os
import unittest

from qstash import QStash
from qstash.errors import QStashError

FINE = "https://mock.httpstatus.io/200"


class Tokens(unittest.TestCase):
    def setUp(self):
        self.client = QStash(os.environ["QSTASH_TOKEN"])
        self.reader = QStash(os.environ["READ_TOKEN"])
        self.publisher = QStash(os.environ["PUBLISH_TOKEN"])

    def assert_refused(self, scope, call, *arguments, **options):
        with self.assertRaisesRegex(QStashError, f"status: 403, body: .*the scope of this token is {scope}:"):
            call(*arguments, **options)

    def test_read_token_reads_and_changes_nothing(self):
        message_id = self.client.message.publish(url=FINE, delay="1h").message_id
        self.assertEqual(self.reader.message.get(message_id).message_id, message_id)
        logs = self.reader.log.list(filter={"message_id": message_id}).logs
        self.assertEqual([log.state.value for log in logs], ["CREATED"])
        self.assertEqual(self.reader.dlq.list().messages, [])
        self.assertEqual(self.reader.schedule.list(), [])

        self.assert_refused("read", self.reader.message.publish, url=FINE)
        self.assert_refused("read", self.reader.message.batch, [{"url": FINE}])
        self.assert_refused("read", self.reader.message.cancel, message_id)
        self.assert_refused("read", self.reader.message.cancel_all)
        self.assert_refused("read", self.reader.schedule.create, destination=FINE, cron="* * * * *")
        self.assert_refused("read", self.reader.queue.upsert, "queue")
        self.assertEqual(self.client.message.cancel_many([message_id]), 1)
        self.assertEqual(self.client.queue.list(), [])

    def test_publish_token_publishes_and_reads_nothing(self):
        message_id = self.publisher.message.publish_json(url=FINE, body={}, delay="1h").message_id
        self.assertTrue(self.publisher.message.enqueue(queue="filled", url=FINE).message_id)
        [sent] = self.publisher.message.batch([{"url": FINE}])
        self.assertTrue(sent.message_id)

        self.assert_refused("publish", self.publisher.message.get, message_id)
        self.assert_refused("publish", self.publisher.message.cancel, message_id)
        self.assert_refused("publish", self.publisher.log.list)
        self.assert_refused("publish", self.publisher.queue.list)
        self.client.message.cancel(message_id)
        self.client.queue.delete("filled")

    def test_only_the_main_token_can_read_signing_keys(self):
        for scope, restricted in [("read", self.reader), ("publish", self.publisher)]:
            self.assert_refused(scope, restricted.signing_key.get)
            self.assert_refused(scope, restricted.signing_key.rotate)
        self.assertEqual(self.client.signing_key.get().current, os.environ["QSTASH_CURRENT_SIGNING_KEY"])
