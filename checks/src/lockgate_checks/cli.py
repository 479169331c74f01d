"""Command line: decide on a folder of evidence, list the checks, explain one."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path

from lockgate_checks import catalogue
from lockgate_checks.bundle import load_folder
from lockgate_checks.decide import decide
from lockgate_checks.errors import CheckError, ChecksError
from lockgate_checks.explain import explain
from lockgate_checks.integrity import Subject
from lockgate_checks.policy.load import SHIPPED, load_policy, shipped_policy
from lockgate_checks.policy.model import Policy
from lockgate_checks.record import decision_document
from lockgate_checks.registry import installed_checks
from lockgate_checks.values import Verdict

EXIT = {Verdict.APPROVE: 0, Verdict.REJECT: 1, Verdict.HUMAN: 3}
UNDECIDED = 2  # the question could not be put: no such folder, a policy with mistakes, a broken package of checks

Clock = Callable[[], datetime]


def main(argv: Sequence[str] | None = None, clock: Clock = lambda: datetime.now(UTC)) -> int:
    """Run the command; the exit code is 0 approve, 1 reject, 3 a person decides, 2 nothing was decided."""
    options = _parser().parse_args(argv)
    try:
        return int(options.run(options, clock))
    except ChecksError as error:
        print(error, file=sys.stderr)
        return UNDECIDED


def _decide(options: argparse.Namespace, clock: Clock) -> int:
    bundle = load_folder(options.evidence, options.baseline)
    subject = Subject(options.model_package_arn)
    decision = decide(bundle, _policy(options), clock(), subject, installed_checks())
    if options.json:
        print(json.dumps(decision_document(decision), indent=1, sort_keys=True, allow_nan=False))
    else:
        print(_printable(explain(decision)))
    return EXIT[decision.verdict]


def _policy(options: argparse.Namespace) -> Policy:
    name = options.policy
    policy = shipped_policy(name) if name in SHIPPED else load_policy(Path(name))
    return load_policy(options.project_policy, policy) if options.project_policy else policy


def _list(options: argparse.Namespace, _: Clock) -> int:
    checks = installed_checks()
    print(catalogue.markdown(checks) if options.markdown else "\n".join(map(catalogue.line, checks)), end="")
    print(end="" if options.markdown else "\n")
    return 0


def _explain(options: argparse.Namespace, _: Clock) -> int:
    found = [check for check in installed_checks() if check.id == options.id]
    if not found:
        raise CheckError(f"There is no check {options.id}; `python -m lockgate_checks list` shows all of them.")
    print(catalogue.text(found[0]))
    return 0


def _printable(text: str) -> str:
    """Return the text as the terminal's encoding can show it."""
    encoding = sys.stdout.encoding or "ascii"
    return text.encode(encoding, "backslashreplace").decode(encoding)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m lockgate_checks", description=__doc__)
    verbs = parser.add_subparsers(required=True, metavar="VERB")
    verb = verbs.add_parser("decide", help="decide on a model version by its evidence")
    verb.add_argument("evidence", type=Path, help="folder of evidence documents")
    verb.add_argument("--policy", required=True, help="the organization's policy file, or `baseline`")
    verb.add_argument("--project-policy", type=Path, help="a project's policy on top of it; it can only tighten")
    verb.add_argument("--baseline", type=Path, help="folder of the approved version's evidence")
    verb.add_argument("--model-package-arn", default="", help="ARN of the model version; waivers may be for some only")
    verb.add_argument("--json", action="store_true", help="print the decision as JSON")
    verb.set_defaults(run=_decide)
    verb = verbs.add_parser("list", help="list the checks that are installed")
    verb.add_argument("--markdown", action="store_true", help="print the page docs/checks.md")
    verb.set_defaults(run=_list)
    verb = verbs.add_parser("explain", help="say what a check asks and what its failure means")
    verb.add_argument("id", help="the check's id, as quality.metrics")
    verb.set_defaults(run=_explain)
    return parser
