"""`python -m lockgate_checks.report sample OUT.html`: write a sample page to look at."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from lockgate_checks.report import sample
from lockgate_checks.report.page import render


def main(argv: Sequence[str] | None = None) -> int:
    """Write the sample page; 0 when it was written, 1 with the reason on standard error when it was not."""
    parser = argparse.ArgumentParser(prog="python -m lockgate_checks.report", description=__doc__)
    verbs = parser.add_subparsers(dest="verb", required=True)
    verb = verbs.add_parser("sample", help="write a page about the build seed's model")
    verb.add_argument("out", type=Path, help="the HTML file to write")
    options = parser.parse_args(argv)
    try:
        options.out.write_text(render(sample.decision(), sample.bundle()), encoding="utf-8")
    except OSError as error:
        print(
            f"{options.out} cannot be written: {error.strerror}. Name a file in a folder that exists.", file=sys.stderr
        )
        return 1
    print(options.out)
    return 0


if __name__ == "__main__":
    sys.exit(main())
