"""Flow control."""

import os
import time
import unittest

from qstash import QStash
from qstash.errors import QStashError

from eventually import eventually

FINE = "https://mock.httpstatus.io/200"


class FlowControl(unittest.TestCase):
    def setUp(self):
        self.client = QStash(os.environ["QSTASH_TOKEN"])

    def publish(self, url=FINE, **flow_control):
        return self.client.message.publish(url=url, flow_control=flow_control).message_id

    def test_message_shows_its_flow_control_with_a_default_period(self):
        def told(flow_control):
            sent = self.client.message.publish_json(url=FINE, body={}, delay="1h", flow_control=flow_control)
            control = self.client.message.get(sent.message_id).flow_control
            return control.key, control.parallelism, control.rate, control.period

        self.assertEqual(told({"key": "told", "parallelism": 3}), ("told", 3, None, 1))
        self.assertEqual(told({"key": "told", "rate": 2, "period": "1h30m3s"}), ("told", None, 2, 5403))
        self.assertEqual(told({"key": "told", "parallelism": 1, "rate": 2, "period": 3}), ("told", 1, 2, 3))

    def test_key_exists_after_the_first_message(self):
        message_id = self.publish(f"{FINE}?sleep=30000", key="fresh", parallelism=2, rate=3, period=60)
        info = self.client.flow_control.get("fresh")
        self.assertEqual((info.key, info.parallelism_max, info.rate_max, info.rate_period), ("fresh", 2, 3, 60))
        self.assertFalse(info.is_paused or info.is_pinned_parallelism or info.is_pinned_rate)
        eventually(lambda: self.client.flow_control.get("fresh").parallelism_count == 1)
        self.client.message.cancel(message_id)

    def test_global_parallelism_is_shown(self):
        told = self.client.flow_control.get_global_parallelism()
        self.assertGreater(told.parallelism_max, 0)
        self.assertGreaterEqual(told.parallelism_count, 0)

    def test_key_is_paused_and_resumed(self):
        self.publish(key="paused", parallelism=1)
        self.client.flow_control.pause("paused")
        self.assertTrue(self.client.flow_control.get("paused").is_paused)
        self.client.flow_control.resume("paused")
        self.assertFalse(self.client.flow_control.get("paused").is_paused)

    def test_key_is_pinned_and_unpinned(self):
        def told():
            info = self.client.flow_control.get("pinned")
            return info.parallelism_max, info.rate_max, info.is_pinned_parallelism, info.is_pinned_rate

        self.publish(key="pinned", parallelism=1, rate=1)
        self.client.flow_control.pin("pinned", {"parallelism": 7, "rate": 8, "period": 9})
        self.publish(key="pinned", parallelism=2, rate=2)
        self.assertEqual(told(), (7, 8, True, True))
        self.client.flow_control.unpin("pinned", {"parallelism": True})
        self.assertEqual(told(), (7, 8, False, True))
        self.client.flow_control.unpin("pinned", {"rate": True})
        self.assertEqual(told(), (7, 8, False, False))

    def test_reset_after_a_publish_clears_the_count(self):
        self.publish(key="reset", rate=10, period="60s")
        self.client.flow_control.reset_rate("reset")
        info = self.client.flow_control.get("reset")
        self.assertEqual(info.rate_count, 0)
        self.assertLess(abs(info.rate_period_start - time.time()), 60)

    def test_unknown_key_is_not_found(self):
        with self.assertRaisesRegex(QStashError, "status: 404"):
            self.client.flow_control.get("nobody")
