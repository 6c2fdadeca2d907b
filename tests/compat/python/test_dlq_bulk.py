"""Dead letters are filtered and deleted."""

import os
import time
import unittest

from qstash import QStash
from qstash.errors import QStashError

from eventually import eventually

MISSING = "https://mock.httpstatus.io/404"


class DeadLetters(unittest.TestCase):
    def setUp(self):
        self.client = QStash(os.environ["QSTASH_TOKEN"])
        self.client.dlq.delete_many([letter.dlq_id for letter in self.client.dlq.list().messages])

    def listed(self, **filters):
        return sorted(letter.dlq_id for letter in self.client.dlq.list(filter=filters).messages)

    def dead(self, **options):
        message_id = self.client.message.publish(**{"url": MISSING, "retries": 0, **options}).message_id
        return eventually(lambda: self.listed(message_id=message_id))[0]

    def test_dead_letter_is_deleted_once(self):
        dlq_id = self.dead()
        self.client.dlq.delete(dlq_id)
        for ask in [self.client.dlq.get, self.client.dlq.delete]:
            with self.assertRaisesRegex(QStashError, "status: 404"):
                ask(dlq_id)

    def test_dead_letters_are_deleted_by_id(self):
        ids = [self.dead() for _ in range(3)]
        self.assertEqual(self.client.dlq.delete_many(ids[:2]), 2)
        self.assertEqual(self.client.dlq.delete_many(ids), 1)
        self.assertEqual(self.listed(), [])

    def test_empty_id_list_deletes_nothing(self):
        dlq_id = self.dead()
        self.assertEqual(self.client.dlq.delete_many([]), 0)
        self.assertEqual(self.listed(), [dlq_id])

    def test_every_filter_selects_dead_letters(self):
        other_url = "https://mock.httpstatus.io/500"
        start = int(time.time() * 1000) - 60_000
        one, two = self.dead(label="mine"), self.dead(url=other_url)
        both = sorted([one, two])
        for filters, expected in [
            ({"label": "mine"}, [one]),
            ({"url": other_url}, [two]),
            ({"response_status": 404}, [one]),
            ({"response_status": 500, "label": "mine"}, []),
            ({"caller_ip": "127.0.0.1"}, both),
            ({"caller_ip": "192.0.2.1"}, []),
            ({"from_time": start}, both),
            ({"to_time": start}, []),
            ({"from_time": start, "to_time": start + 120_000}, both),
            ({"queue": "none"}, []),
            ({"url_group": "none"}, []),
            ({"schedule_id": "none"}, []),
        ]:
            with self.subTest(filters):
                self.assertEqual(self.listed(**filters), expected)

    def test_flow_control_is_shown(self):
        dlq_id = self.dead(flow_control={"key": "dead", "parallelism": 2})
        control = self.client.dlq.get(dlq_id).flow_control
        self.assertEqual((control.key, control.parallelism, control.rate, control.period), ("dead", 2, None, 1))
