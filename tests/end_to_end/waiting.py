"""Waiting for something that must come true, without guessing how long it takes."""
import time


def until(test, question, what, seconds=60):
    """Asks until the answer is true; returns it. Fails the test after `seconds`."""
    deadline = time.monotonic() + seconds
    while True:
        answer = question()
        if answer:
            return answer
        if time.monotonic() > deadline:
            test.fail(f"not within {seconds} s: {what}")
        time.sleep(0.02)
