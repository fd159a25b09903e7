"""``python -m wavenet`` is the program ``wavenet``."""

from __future__ import annotations

import sys

from wavenet.cli import main

if __name__ == "__main__":
    sys.exit(main())
