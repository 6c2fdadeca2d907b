"""Bulk cancellation."""

import os
import unittest

from qstash import QStash

MISSING = "https://mock.httpstatus.io/404"


class Cancel(unittest.TestCase):
    def setUp(self):
        self.client = QStash(os.environ["QSTASH_TOKEN"])
        self.client.message.cancel_all()

    def published(self):
        return self.client.message.publish(url=MISSING, retries=3).message_id

    def test_retrying_messages_are_cancelled_by_id(self):
        ids = [self.published(), self.published()]
        other = self.published()
        self.assertEqual(self.client.message.cancel_many(ids), 2)
        self.assertEqual(self.client.message.cancel_many([*ids, other]), 1)

    def test_empty_id_list_cancels_nothing(self):
        self.published()
        self.assertEqual(self.client.message.cancel_many([]), 0)
        self.assertEqual(self.client.message.cancel_all(), 1)

    def test_cancel_all_cancels_every_message(self):
        self.published()
        self.published()
        self.assertEqual(self.client.message.cancel_all(), 2)
        self.assertEqual(self.client.message.cancel_all(), 0)
