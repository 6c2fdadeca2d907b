"""URL groups."""

import os
import unittest

from qstash import QStash
from qstash.errors import QStashError

FINE = "https://mock.httpstatus.io/200"


class UrlGroups(unittest.TestCase):
    def setUp(self):
        self.client = QStash(os.environ["QSTASH_TOKEN"])
        self.client.url_group.delete("group")

    def endpoints(self):
        return [(endpoint.url, endpoint.name) for endpoint in self.client.url_group.get("group").endpoints]

    def test_endpoints_are_added_listed_and_removed(self):
        self.client.url_group.upsert_endpoints(
            "group", [{"url": f"{FINE}?1"}, {"url": f"{FINE}?2", "name": "two"}, {"url": f"{FINE}?3", "name": "three"}]
        )
        self.assertEqual(self.endpoints(), [(f"{FINE}?1", None), (f"{FINE}?2", "two"), (f"{FINE}?3", "three")])
        [group] = self.client.url_group.list()
        self.assertEqual(group.name, "group")
        self.assertGreaterEqual(group.updated_at, group.created_at)

        self.client.url_group.remove_endpoints("group", [{"url": f"{FINE}?1"}, {"name": "two"}])
        self.assertEqual(self.endpoints(), [(f"{FINE}?3", "three")])
        self.client.url_group.delete("group")
        self.assertEqual(self.client.url_group.list(), [])

    def test_publish_creates_a_message_per_endpoint(self):
        self.client.url_group.upsert_endpoints("group", [{"url": f"{FINE}?1", "name": "one"}, {"url": f"{FINE}?2"}])
        published = self.client.message.publish(url_group="group", body="x", delay="1h")
        self.assertEqual([one.url for one in published], [f"{FINE}?1", f"{FINE}?2"])
        messages = [self.client.message.get(one.message_id) for one in published]
        self.assertEqual(
            [(message.url_group, message.endpoint) for message in messages], [("group", "one"), ("group", None)]
        )

    def test_enqueue_creates_a_message_per_endpoint(self):
        self.client.url_group.upsert_endpoints("group", [{"url": f"{FINE}?1"}, {"url": f"{FINE}?2"}])
        enqueued = self.client.message.enqueue_json(queue="groups", url_group="group", body={"a": 1})
        messages = [self.client.message.get(one.message_id) for one in enqueued]
        self.assertEqual(
            [(message.url, message.queue) for message in messages], [(f"{FINE}?1", "groups"), (f"{FINE}?2", "groups")]
        )
        self.client.queue.delete("groups")

    def test_unknown_group_is_not_found(self):
        with self.assertRaisesRegex(QStashError, 'status: 404, body: .*"topic no-such-group not found"'):
            self.client.message.publish(url_group="no-such-group")
        with self.assertRaisesRegex(QStashError, "status: 404"):
            self.client.url_group.get("no-such-group")
