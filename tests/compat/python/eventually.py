import time

PATIENCE_SECONDS = 20
PAUSE_SECONDS = 0.05


def eventually(ask):
    """Returns the first result of `ask` that is neither empty nor an error.

    Polls up to a time limit, because the server does not report its internal progress.
    """
    end = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            answer = ask()
            if answer:
                return answer
            missing = AssertionError(f"still {answer!r} after {PATIENCE_SECONDS} s")
        except Exception as error:
            missing = error
        if time.monotonic() > end:
            raise missing
        time.sleep(PAUSE_SECONDS)
