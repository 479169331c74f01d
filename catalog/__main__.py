"""Command line: options, and one call per verb."""

from __future__ import annotations

import argparse
import os
import sys
import traceback
from collections.abc import Sequence
from enum import IntEnum
from pathlib import Path

import boto3
from botocore.exceptions import BotoCoreError, ClientError
from rich.console import Console

from catalog.clients import open_clients
from catalog.decide import Decider, Decision, Status, decide, description_of, region_of, version_of
from catalog.display import Display
from catalog.errors import CatalogError, ConfigurationError, RefusedError
from catalog.explain import explain
from catalog.history import read_history
from catalog.polling import Polling
from catalog.publish import publish, show_plan
from catalog.sources import read_sources
from catalog.trail import show

ROOT = Path(__file__).resolve().parent.parent


class Exit(IntEnum):
    """Exit codes."""

    DONE = 0
    FAILED = 1
    USAGE = 2
    CONFIGURATION = 3
    REFUSED = 4
    AWS = 5
    INTERRUPTED = 130


def main(argv: Sequence[str] | None = None) -> Exit:
    """Run one verb and return the exit code; errors are one sentence on standard error."""
    arguments = _parser().parse_args(argv)
    try:
        arguments.run(arguments)
    except KeyboardInterrupt:
        return _fail("interrupted; run the same command again to finish what was begun.", Exit.INTERRUPTED)
    except (CatalogError, BotoCoreError, ClientError) as error:
        if arguments.debug:
            traceback.print_exc()
        return _fail(*_outcome(error))
    return Exit.DONE


def _outcome(error: CatalogError | BotoCoreError | ClientError) -> tuple[str, Exit]:
    if isinstance(error, BotoCoreError | ClientError):
        return explain(error), Exit.AWS
    if isinstance(error, ConfigurationError):
        return str(error), Exit.CONFIGURATION
    return str(error), Exit.REFUSED if isinstance(error, RefusedError) else Exit.FAILED


def _fail(sentence: str, code: Exit) -> Exit:
    print(f"lockgate: {sentence}", file=sys.stderr)
    return code


def _parser() -> argparse.ArgumentParser:
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("--debug", action="store_true", help="show tracebacks")
    parser = argparse.ArgumentParser(prog="lockgate", description="What the platform team and the approvers do.")
    verbs = parser.add_subparsers(required=True, metavar="verb")
    publishing = verbs.add_parser("publish", parents=[common], help="bring hub, portfolio and product up to date")
    publishing.add_argument("--plan", action="store_true", help="print what would be done and do nothing")
    publishing.add_argument("--catalog", type=Path, default=ROOT / "catalog" / "catalog.toml", metavar="FILE")
    publishing.set_defaults(run=_publish)
    for verb, status in (("approve", Status.APPROVED), ("reject", Status.REJECTED)):
        deciding = verbs.add_parser(verb, parents=[common], help=f"decide that a model version is {status}")
        deciding.add_argument("arn", metavar="ARN", help="the model version (model package) to decide about")
        deciding.add_argument("--reason", default="", help="why; kept in the model registry")
        deciding.add_argument("--role-arn", metavar="ARN", help="role to assume first, such as the hub's approver role")
        deciding.add_argument("--again", action="store_true", help="replace an earlier decision")
        deciding.set_defaults(run=_decide, status=status)
    explaining = verbs.add_parser("explain", parents=[common], help="show what was decided about a version, and why")
    explaining.add_argument("arn", metavar="ARN", help="the model version (model package) to explain")
    explaining.add_argument("--role-arn", metavar="ARN", help="role to assume first, such as the hub's approver role")
    explaining.set_defaults(run=_explain)
    return parser


def _publish(arguments: argparse.Namespace) -> None:
    sources = read_sources(ROOT, arguments.catalog)
    clients = open_clients(boto3.Session(region_name=os.environ.get("AWS_REGION") or None))
    display = Display(Console())
    if arguments.plan:
        show_plan(sources, clients, display)
    else:
        publish(sources, clients, display, Polling())


def _decide(arguments: argparse.Namespace) -> None:
    decision = Decision(arn=arguments.arn, status=arguments.status, reason=arguments.reason, again=arguments.again)
    region = region_of(decision.arn)
    description_of(decision, "")
    session = _session(region, arguments.role_arn)
    decider = Decider(
        arn=session.client("sts").get_caller_identity()["Arn"],
        sagemaker=session.client("sagemaker"),
        s3=session.client("s3"),
    )
    print(f"{decision.arn}\n{decide(decision, decider)}")


def _explain(arguments: argparse.Namespace) -> None:
    version = version_of(arguments.arn)
    session = _session(version.region, arguments.role_arn)
    show(read_history(version, session.client("sagemaker"), session.client("s3")), Console())


def _session(region: str, role_arn: str | None) -> boto3.Session:
    session = boto3.Session(region_name=region)
    if role_arn is None:
        return session
    assumed = session.client("sts").assume_role(RoleArn=role_arn, RoleSessionName="lockgate-decision")["Credentials"]
    return boto3.Session(
        region_name=region,
        aws_access_key_id=assumed["AccessKeyId"],
        aws_secret_access_key=assumed["SecretAccessKey"],
        aws_session_token=assumed["SessionToken"],
    )


if __name__ == "__main__":
    sys.exit(main())
