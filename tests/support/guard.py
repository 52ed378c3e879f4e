"""Runs a server that does not outlive whoever wanted it.

``python guard.py FOLDER USER PROGRAM ...`` prints the server's process id,
and ends once nothing of the server is left.  When its own input ends before
that (so it does if whoever holds the other end is killed), it ends the server
and removes the folder.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path


_PATIENCE = 5.0


def main(folder: str, user: str, *command: str) -> None:
    """Run a server as a user, given by number, or as who we are."""
    number = int(user) if user else None
    reading, writing = os.pipe()
    with Path(folder, "log").open("ab") as log:
        server = subprocess.Popen(  # noqa: S603 - our own words
            command,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            # Each child of the server has it too, until it ends.
            pass_fds=(writing,),
            user=number,
            group=number,
            extra_groups=() if user else None,
        )
    os.close(writing)
    sys.stdout.write(f"{server.pid}\n")
    sys.stdout.flush()
    left = threading.Event()
    watch = threading.Thread(target=_watch, args=(server, left), daemon=True)
    watch.start()
    server.wait()
    os.read(reading, 1)
    if left.is_set():
        shutil.rmtree(folder)


def _watch(server: subprocess.Popen[bytes], left: threading.Event) -> None:
    os.read(0, 1)
    left.set()
    server.send_signal(signal.SIGINT)
    time.sleep(_PATIENCE)
    server.kill()


if __name__ == "__main__":
    main(*sys.argv[1:])
