"""Dead letters."""

import os
import unittest

from qstash import QStash
from qstash.errors import QStashError

from eventually import eventually

MISSING = "https://mock.httpstatus.io/404"


class DeadLetters(unittest.TestCase):
    def setUp(self):
        self.client = QStash(os.environ["QSTASH_TOKEN"])

    def dead(self, **options):
        message_id = self.client.message.publish(**{"url": MISSING, "retries": 0, **options}).message_id

        def first():
            return self.client.dlq.list(filter={"message_id": message_id}).messages

        return eventually(first)[0]

    def test_failed_message_is_listed_with_its_response(self):
        listed = self.dead(
            method="GET", body="b", headers={"test-header": "v"}, retry_delay="7000 * retried", label="mine"
        )
        for letter in [listed, self.client.dlq.get(listed.dlq_id)]:
            self.assertEqual((letter.dlq_id, letter.message_id), (listed.dlq_id, listed.message_id))
            self.assertEqual((letter.response_status, letter.response_body), (404, "404 Not Found"))
            self.assertIsNone(letter.response_body_base64)
            self.assertIn("Content-Length", letter.response_headers)
            self.assertEqual((letter.url, letter.method, letter.body), (MISSING, "GET", "b"))
            self.assertEqual(letter.headers, {"Test-Header": ["v"]})
            self.assertEqual((letter.max_retries, letter.retry_delay_expression), (0, "7000 * retried"))
            self.assertEqual(letter.label, "mine")

    def test_message_without_a_response_has_status_0(self):
        letter = self.dead(url="http://127.0.0.1:1/")
        self.assertEqual((letter.response_status, letter.response_body), (0, None))

    def test_new_dead_letter_is_on_the_first_page(self):
        letter = self.dead()
        page = self.client.dlq.list()
        self.assertIn(letter.dlq_id, [one.dlq_id for one in page.messages])

    def test_page_has_a_cursor_and_the_last_has_none(self):
        expected = {self.dead().dlq_id for _ in range(3)}
        seen, cursor = [], None
        while True:
            page = self.client.dlq.list(count=2, cursor=cursor)
            seen += [letter.dlq_id for letter in page.messages]
            cursor = page.cursor
            if cursor is None:
                break
        self.assertEqual(len(seen), len(set(seen)))
        self.assertLessEqual(expected, set(seen))

    def test_unknown_dead_letter_is_not_found(self):
        with self.assertRaisesRegex(QStashError, "status: 404"):
            self.client.dlq.get("1725323658779-0")
