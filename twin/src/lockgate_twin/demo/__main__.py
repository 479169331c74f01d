"""`python -m lockgate_twin.demo`: run the life cycle once and exit non-zero if any stage fails."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from lockgate_twin.demo.run import run


def main() -> int:
    """Parse the options and run the demo."""
    parser = argparse.ArgumentParser(prog="make demo", description=__doc__)
    parser.add_argument("--project", default="arrests", help="name of the SageMaker project to create")
    parser.add_argument("--output", type=Path, default=Path("build/demo"), help="folder for logs and summary.json")
    parser.add_argument("--port", type=int, default=0, help="port of the twin (default: any free one)")
    options = parser.parse_args()
    return run(root=Path.cwd(), output=options.output.resolve(), project=options.project, port=options.port)


if __name__ == "__main__":
    sys.exit(main())
