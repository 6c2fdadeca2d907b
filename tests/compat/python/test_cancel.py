"""Messages cancelled many at a time."""

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

    def test_messages_that_are_tried_and_fail_are_cancelled_by_their_ids(self):
        ids = [self.published(), self.published()]
        other = self.published()
        self.assertEqual(self.client.message.cancel_many(ids), 2)
        self.assertEqual(self.client.message.cancel_many([*ids, other]), 1)

    def test_no_ids_are_not_all_of_them(self):
        self.published()
        self.assertEqual(self.client.message.cancel_many([]), 0)
        self.assertEqual(self.client.message.cancel_all(), 1)

    def test_all_are_cancelled(self):
        self.published()
        self.published()
        self.assertEqual(self.client.message.cancel_all(), 2)
        self.assertEqual(self.client.message.cancel_all(), 0)
