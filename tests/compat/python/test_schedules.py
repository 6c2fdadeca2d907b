"""Schedules."""

import os
import unittest

from qstash import QStash
from qstash.errors import QStashError

FINE = "https://mock.httpstatus.io/200"
YEARLY = "1 1 1 1 1"


class Schedules(unittest.TestCase):
    def setUp(self):
        self.client = QStash(os.environ["QSTASH_TOKEN"])
        self.addCleanup(self.delete_all)

    def delete_all(self):
        for schedule in self.client.schedule.list():
            self.client.schedule.delete(schedule.schedule_id)

    def created(self, **options):
        return self.client.schedule.get(self.client.schedule.create(destination=FINE, cron=YEARLY, **options))

    def test_schedule_is_read_back_as_created(self):
        schedule_id = self.client.schedule.create_json(
            destination=FINE,
            cron=YEARLY,
            body={"ex": "ample"},
            method="PUT",
            headers={"test-header": "v"},
            retries=2,
            retry_delay="7000 * retried",
            callback="https://example.com/back",
            failure_callback="https://example.com/failed",
            callback_headers={"forward-x-mine": "back"},
            failure_callback_headers={"forward-x-mine": "failed"},
            delay="1h",
            timeout=30,
        )
        schedule = self.client.schedule.get(schedule_id)
        self.assertEqual(
            (schedule.schedule_id, schedule.destination, schedule.cron, schedule.method, schedule.body),
            (schedule_id, FINE, YEARLY, "PUT", '{"ex": "ample"}'),
        )
        self.assertEqual(schedule.headers, {"Content-Type": ["application/json"], "Test-Header": ["v"]})
        self.assertEqual((schedule.retries, schedule.retry_delay_expression), (2, "7000 * retried"))
        self.assertEqual(schedule.callback, "https://example.com/back")
        self.assertEqual(schedule.failure_callback, "https://example.com/failed")
        self.assertEqual(schedule.callback_headers, {"X-Mine": ["back"]})
        self.assertEqual(schedule.failure_callback_headers, {"X-Mine": ["failed"]})
        self.assertEqual((schedule.delay, schedule.timeout), (3600, 30_000))
        self.assertEqual((schedule.paused, schedule.caller_ip), (False, "127.0.0.1"))
        self.assertGreater(schedule.next_schedule_time, schedule.created_at)

    def test_omitted_options_are_absent_or_have_their_default(self):
        schedule = self.created()
        self.assertEqual((schedule.method, schedule.retries), ("POST", 3))
        self.assertEqual(
            [
                schedule.body,
                schedule.body_base64,
                schedule.queue,
                schedule.flow_control,
                schedule.label,
                schedule.delay,
            ],
            [None] * 6,
        )

    def test_flow_control_defaults_to_one_second_without_a_rate(self):
        def told(flow_control):
            control = self.created(flow_control=flow_control).flow_control
            return control.key, control.parallelism, control.rate, control.period

        self.assertEqual(told({"key": "flow", "parallelism": 2}), ("flow", 2, None, 1))
        self.assertEqual(told({"key": "flow", "rate": 3, "period": "1m"}), ("flow", None, 3, 60))

    def test_queue_and_label_are_read_back(self):
        schedule = self.created(queue="scheduled", label="mine")
        self.assertEqual((schedule.queue, schedule.label), ("scheduled", "mine"))

    def test_list_has_exactly_the_existing_schedules(self):
        ids = sorted(self.created().schedule_id for _ in range(2))
        self.assertEqual(sorted(schedule.schedule_id for schedule in self.client.schedule.list()), ids)
        self.client.schedule.delete(ids[0])
        self.assertEqual([schedule.schedule_id for schedule in self.client.schedule.list()], ids[1:])
        with self.assertRaisesRegex(QStashError, "status: 404"):
            self.client.schedule.get(ids[0])

    def test_schedule_is_paused_and_resumed(self):
        schedule_id = self.created().schedule_id
        self.client.schedule.pause(schedule_id)
        self.assertTrue(self.client.schedule.get(schedule_id).paused)
        self.client.schedule.resume(schedule_id)
        self.assertFalse(self.client.schedule.get(schedule_id).paused)

    def test_same_id_replaces_the_schedule(self):
        for body in ["first", "second"]:
            self.assertEqual(self.created(schedule_id="mine", body=body).body, body)
        self.assertEqual(len(self.client.schedule.list()), 1)
