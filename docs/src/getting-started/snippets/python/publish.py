import os

from qstash import QStash

client = QStash(os.environ["QSTASH_TOKEN"])
response = client.message.publish_json(
    url=f"{os.environ['APP_URL']}/api/greet",
    body={"name": "Ada"},
    retries=5,
)
print(response.message_id)
