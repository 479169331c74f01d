"""`python -m lockgate_checks`."""

from __future__ import annotations

import sys

from lockgate_checks.cli import main

if __name__ == "__main__":
    sys.exit(main())
