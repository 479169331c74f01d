"""The reference page of the twin, made from its own code: `python -m lockgate_twin.reference > docs/twin.md`."""

from __future__ import annotations

import re
import sys
import tempfile
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path

from lockgate_twin import moto_host, moto_operations
from lockgate_twin.cloudformation.resources import ADAPTERS
from lockgate_twin.front.requests import service_model
from lockgate_twin.ports import Settings
from lockgate_twin.twin import Twin

_PACKAGE = Path(__file__).resolve().parent
# An assumption runs to the end of its paragraph or docstring; in a comment, to the end of the comment.
_ASSUMPTION = re.compile(r'Assumptions?: (?P<text>.*?)(?:"""|\n[ #]*\n|\n[^#\n]*\S =|\Z)', re.DOTALL)
_HEAD = """# What the twin does

Made from the twin's code by `python -m lockgate_twin.reference`; a test fails when it is stale.

Every call is authenticated (SigV4), validated against botocore's model, and authorized against the caller's identity
policies, permissions boundary, session policy and the resource's own policy (S3, SQS, SNS, KMS, Lambda, model package
groups, roles). State outlives the twin: what a call has acknowledged is there when a twin starts again in the same
folder, however the one before ended; what was under way then is rolled back, stopped or gone on with, and says so.
"""


def page(operations: dict[str, list[str]]) -> str:
    """Return the page for the operations that the twin serves itself, by service."""
    lines = [_HEAD, "## Served by the twin itself", ""]
    for service, names in sorted(operations.items()):
        lines += [f"- **{service}** ({len(names)}): {', '.join(sorted(names))}"]
    lines += ["", "## Kept by moto, behind the same front", ""]
    lines += list(_kept_by_moto(operations))
    lines += ["", "## Refused", "", "`NotImplemented`, HTTP 501, with the operation's name; of services above:", ""]
    lines += list(_refused(operations))
    lines += ["", "Every operation of every other service is refused in the same way."]
    lines += ["", "## CloudFormation resource types", "", *(f"- {name}" for name in sorted(ADAPTERS))]
    lines += ["", "## Assumptions", "", "Where AWS does not document a behaviour, the twin assumes:", ""]
    lines += [f"- {text} (`{place}`)" for place, text in sorted(_assumptions())]
    return "\n".join(lines) + "\n"


def _kept_by_moto(operations: Mapping[str, Collection[str]]) -> Iterator[str]:
    for service in sorted(moto_host.SERVICES):
        names = moto_operations.kept(service) - set(operations.get(service, ()))
        yield f"- **{service}** ({len(names)}): {', '.join(sorted(names))}"


def _refused(operations: Mapping[str, Collection[str]]) -> Iterator[str]:
    for service in sorted({*operations, *moto_host.SERVICES}):
        known = set(operations.get(service, ()))
        known |= moto_operations.kept(service) if service in moto_host.SERVICES else set()
        if names := set(service_model(service).operation_names) - known:
            yield f"- **{service}** ({len(names)}): {', '.join(sorted(names))}"


def served_operations() -> dict[str, list[str]]:
    """Return the operations that a twin serves itself, by service."""
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(state_dir=Path(folder), endpoint_url="http://127.0.0.1:1", python=Path(sys.executable))
        twin = Twin(settings)
        served: dict[str, list[str]] = {}
        for service, operation in twin.core.front.operations():
            served.setdefault(service, []).append(operation)
        twin.close()
    return served


def _assumptions() -> Iterator[tuple[str, str]]:
    for file in sorted(_PACKAGE.rglob("*.py")):
        if file.name == Path(__file__).name:
            continue
        for match in _ASSUMPTION.finditer(file.read_text(encoding="utf-8")):
            text = " ".join(line.strip().lstrip("#").strip() for line in match["text"].splitlines())
            sentence = text.strip()
            yield str(file.relative_to(_PACKAGE)), sentence[:1].upper() + sentence[1:]


if __name__ == "__main__":
    sys.stdout.write(page(served_operations()))
