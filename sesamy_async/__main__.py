"""``python -m sesamy_async``, and the command ``sesamy``."""

from __future__ import annotations

import sys


_NEEDED = {"cyclopts", "platformdirs", "rich"}
_INTERRUPTED = 130


def main() -> None:
    """Run the command, or say how to install what it needs."""
    try:
        from ._cli import run  # noqa: PLC0415 - not needed by the SDK
    except KeyboardInterrupt:
        sys.exit(_INTERRUPTED)
    except ModuleNotFoundError as error:
        if error.name not in _NEEDED:
            raise
        sys.stderr.write(
            "The command line needs an extra: "
            "pip install 'sesamy-async[cli]'\n"
        )
        sys.exit(2)
    sys.exit(run())


if __name__ == "__main__":
    main()
