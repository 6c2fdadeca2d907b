"""Single messages: read and cancelled."""

import os
import unittest

from qstash import QStash
from qstash.errors import QStashError
from qstash.log import LogState

from eventually import eventually

FINE = "https://mock.httpstatus.io/200"


class Messages(unittest.TestCase):
    def setUp(self):
        self.client = QStash(os.environ["QSTASH_TOKEN"])

    def states(self, message_id):
        return {log.state for log in self.client.log.list(filter={"message_id": message_id}).logs}

    def test_pending_message_is_cancelled(self):
        message_id = self.client.message.publish(url=FINE, delay="10d").message_id
        self.client.message.cancel(message_id)
        self.assertLessEqual({LogState.CANCEL_REQUESTED, LogState.CANCELED}, self.states(message_id))

    def test_message_in_flight_is_cancelled(self):
        message_id = self.client.message.publish(url=f"{FINE}?sleep=30000").message_id
        eventually(lambda: LogState.ACTIVE in self.states(message_id))
        self.client.message.cancel(message_id)
        eventually(lambda: LogState.CANCELED in self.states(message_id))
        self.assertNotIn(LogState.DELIVERED, self.states(message_id))

    def test_unknown_id_is_not_found(self):
        for ask in [self.client.message.get, self.client.message.cancel]:
            with self.assertRaisesRegex(QStashError, "status: 404"):
                ask("msg_unknown")
