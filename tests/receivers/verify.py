# Verifies deliveries with QStash's own Python receiver. Reads a JSON array of cases from standard
# input and writes an array with null for each that is valid, else the error.
import json
import sys

from qstash import Receiver

results = []
for case in json.load(sys.stdin):
    receiver = Receiver(current_signing_key=case["currentSigningKey"], next_signing_key=case["nextSigningKey"])
    try:
        receiver.verify(signature=case["signature"], body=case["body"], url=case["url"])
        results.append(None)
    except Exception as error:
        results.append(f"{type(error).__name__}: {error}")
print(json.dumps(results))
