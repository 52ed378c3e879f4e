"""Kills the process that has this on its path, at a chosen event.

Python imports it before anything else, so the command itself is as users
have it.  ``TRIPWIRE`` holds what Python calls the event, a word that is in
its arguments, and at which time it comes.
"""

import os
import signal
import sys
import time


def _stretch(told: str) -> None:
    wanted, word, count = told.split()
    left = [int(count)]

    def hook(event: str, arguments: tuple[object, ...]) -> None:
        if event != wanted or word not in " ".join(map(str, arguments)):
            return
        left[0] -= 1
        if not left[0]:
            os.kill(os.getpid(), signal.SIGKILL)
            time.sleep(60)  # The signal may need a moment.

    sys.addaudithook(hook)


if "TRIPWIRE" in os.environ:
    _stretch(os.environ["TRIPWIRE"])
