"""The asynchronous client sends the same requests, also concurrently."""

import asyncio
import os
import unittest

from qstash import AsyncQStash
from qstash.log import LogState

FINE = "https://mock.httpstatus.io/200"


class Asyncio(unittest.IsolatedAsyncioTestCase):
    async def test_concurrent_messages_are_delivered_once(self):
        client = AsyncQStash(os.environ["QSTASH_TOKEN"])
        published = await asyncio.gather(
            *(client.message.publish_json(url=FINE, body={"number": number}) for number in range(50))
        )
        ids = {one.message_id for one in published}
        self.assertEqual(len(ids), 50)
        for _ in range(400):
            page = await client.log.list(filter={"message_ids": list(ids), "state": LogState.DELIVERED})
            if len(page.logs) >= len(ids):
                break
            await asyncio.sleep(0.05)
        self.assertEqual(sorted(log.message_id for log in page.logs), sorted(ids))

    async def test_message_is_read_and_cancelled(self):
        client = AsyncQStash(os.environ["QSTASH_TOKEN"])
        message_id = (await client.message.publish(url=FINE, delay="10d", label="mine")).message_id
        self.assertEqual((await client.message.get(message_id)).label, "mine")
        await client.message.cancel(message_id)
