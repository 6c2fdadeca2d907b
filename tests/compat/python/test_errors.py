"""Errors are raised as the SDK's own classes."""

import os
import unittest

from qstash import QStash
from qstash.errors import QStashError

FINE = "https://mock.httpstatus.io/200"


class Errors(unittest.TestCase):
    def setUp(self):
        self.client = QStash(os.environ["QSTASH_TOKEN"])

    def assert_refused(self, status, text, **options):
        with self.assertRaises(QStashError) as raised:
            self.client.message.publish(**{"url": FINE, **options})
        self.assertTrue(
            str(raised.exception).startswith(f'Request failed with status: {status}, body: {{"error":"{text}",'),
            str(raised.exception),
        )

    def test_wrong_token_is_rejected(self):
        self.client = QStash("not-the-token")
        self.assert_refused(401, "unable to authenticate: invalid token")

    def test_deduplication_id_with_a_colon_is_rejected(self):
        self.assert_refused(400, "DeduplicationId cannot contain ':'", deduplication_id="user:1")

    def test_destination_on_a_private_network_is_rejected(self):
        text = (
            "invalid destination url: endpoint resolves to a private address: 10.0.0.1; "
            "to permit it, name it in ALLOW_TARGETS (serve: --allow-targets)"
        )
        self.assert_refused(400, text, url="http://10.0.0.1/")

    def test_base_url_with_trailing_slashes_works(self):
        client = QStash(os.environ["QSTASH_TOKEN"], base_url=os.environ["QSTASH_URL"] + "//")
        self.assertTrue(client.message.publish(url=FINE).message_id)
