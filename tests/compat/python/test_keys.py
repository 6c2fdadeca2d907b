"""Signing keys: a receiver verifies with the keys of its environment, before and after a rotation."""

import os
import unittest

from qstash import QStash, Receiver
from qstash.errors import SignatureError

from destination import Destination


class Keys(unittest.TestCase):
    def setUp(self):
        self.client = QStash(os.environ["QSTASH_TOKEN"])
        self.destination = Destination()
        self.addCleanup(self.destination.stop)

    def delivered(self, body):
        url = self.destination.url("/hook?a=1")
        self.client.message.publish(url=url, body=body)
        request = self.destination.next()
        return {"signature": request.headers["Upstash-Signature"], "body": request.body, "url": url}

    def test_deliveries_are_verified_through_rotations(self):
        old = Receiver(os.environ["QSTASH_CURRENT_SIGNING_KEY"], os.environ["QSTASH_NEXT_SIGNING_KEY"])
        first = self.client.signing_key.get()
        self.assertEqual(first.current, os.environ["QSTASH_CURRENT_SIGNING_KEY"])
        self.assertEqual(first.next, os.environ["QSTASH_NEXT_SIGNING_KEY"])
        for body in ["wörld", ""]:
            old.verify(**self.delivered(body))

        second = self.client.signing_key.rotate()
        self.assertEqual(second.current, first.next)
        self.assertNotIn(second.next, [first.current, first.next])
        self.assertEqual(self.client.signing_key.get(), second)
        delivery = self.delivered("after a rotation")
        old.verify(**delivery)
        Receiver(second.current, second.next).verify(**delivery)

        self.client.signing_key.rotate()
        with self.assertRaises(SignatureError):
            old.verify(**self.delivered("after two"))

    def test_changed_request_is_rejected(self):
        keys = self.client.signing_key.get()
        receiver, delivery = Receiver(keys.current, keys.next), self.delivered("body")
        receiver.verify(**delivery)
        for changed in [{"body": "Body"}, {"url": delivery["url"] + "/"}]:
            with self.assertRaises(SignatureError):
                receiver.verify(**{**delivery, **changed})
