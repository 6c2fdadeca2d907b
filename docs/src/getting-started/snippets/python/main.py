import os

from fastapi import FastAPI, HTTPException, Request
from qstash import Receiver
from qstash.errors import SignatureError

APP_URL = os.environ["APP_URL"]
receiver = Receiver(
    current_signing_key=os.environ["QSTASH_CURRENT_SIGNING_KEY"],
    next_signing_key=os.environ["QSTASH_NEXT_SIGNING_KEY"],
)
app = FastAPI()


@app.post("/api/greet")
async def greet(request: Request):
    body = (await request.body()).decode()
    try:
        receiver.verify(
            signature=request.headers.get("Upstash-Signature", ""),
            body=body,
            url=f"{APP_URL}/api/greet",
        )
    except SignatureError as error:
        raise HTTPException(401, str(error))
    name = (await request.json())["name"]
    print(f"Hello, {name}! ({request.headers['Upstash-Message-Id']})", flush=True)
    return {"greeted": name}
