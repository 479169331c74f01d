"""The command line, as a process: exit codes and sentences."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from botocore import exceptions as boto

from catalog.explain import explain
from tests.catalog.fake_account import client_error

ROOT = Path(__file__).parents[2]
ARN = "arn:aws:sagemaker:us-east-1:111122223333:model-package/fraud-p-idy6c3e1fiqj/2"


def lockgate(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run the command line with no AWS settings but these."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith("AWS_")}
    isolated = {"AWS_CONFIG_FILE": os.devnull, "AWS_SHARED_CREDENTIALS_FILE": os.devnull}
    isolated |= {"AWS_EC2_METADATA_DISABLED": "true", "AWS_MAX_ATTEMPTS": "1"}
    return subprocess.run(
        [sys.executable, "-m", "catalog", *arguments],
        cwd=ROOT,
        env={**kept, **isolated, **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


KEY = {"AWS_ACCESS_KEY_ID": "AKIAEXAMPLE", "AWS_SECRET_ACCESS_KEY": "secret"}


@pytest.mark.parametrize(
    ("arguments", "environment", "code", "sentence"),
    [
        (("approve", "2", "--reason", "r"), {}, 4, "lockgate: '2' is not the ARN of a model version; expected is"),
        (("approve", ARN), {}, 4, "lockgate: No reason is given: say with --reason why the version is Approved."),
        (("reject", ARN, "--reason", "r"), {}, 5, "lockgate: No AWS credentials were found"),
        (("publish", "--catalog", "nowhere.toml"), {}, 3, "lockgate: The catalog file nowhere.toml cannot be read"),
        (("publish", "--plan"), KEY, 5, "lockgate: No AWS region is set"),
        (
            ("publish", "--plan"),
            {**KEY, "AWS_REGION": "us-east-1", "AWS_ENDPOINT_URL": "http://127.0.0.1:9"},
            5,
            "lockgate: AWS does not answer at http://127.0.0.1:9/: check the network and AWS_ENDPOINT_URL.",
        ),
    ],
)
def test_a_failure_is_one_sentence_and_an_exit_code(
    arguments: tuple[str, ...], environment: dict[str, str], code: int, sentence: str
) -> None:
    """Nothing but the sentence is on standard error."""
    done = lockgate(*arguments, **environment)
    assert done.returncode == code
    assert done.stderr.startswith(sentence)
    assert done.stderr.count("\n") == 1


def test_debug_shows_the_traceback() -> None:
    """Before the sentence."""
    done = lockgate("approve", "2", "--debug")
    assert "Traceback (most recent call last)" in done.stderr
    assert "lockgate: '2' is not the ARN" in done.stderr.splitlines()[-1]


def test_without_a_verb_the_usage_is_shown() -> None:
    """As argparse does, with its exit code."""
    done = lockgate()
    assert done.returncode == 2
    assert done.stderr.startswith("usage: lockgate")


def test_a_denial_names_who_what_and_where_to_look() -> None:
    """The action and the caller are taken from AWS's own message."""
    message = (
        "User: arn:aws:sts::111122223333:assumed-role/Intern/i is not authorized to perform: iam:CreateRole "
        "on resource: arn:aws:iam::111122223333:role/x because no identity-based policy allows it"
    )
    sentence = explain(client_error("CreateRole", "AccessDenied", message))
    assert sentence.startswith("arn:aws:sts::111122223333:assumed-role/Intern/i may not iam:CreateRole: ")
    assert "catalog/roles" in sentence


def test_a_denial_without_details_names_the_operation() -> None:
    """S3 answers HeadObject with 403 and no message."""
    assert explain(client_error("HeadObject", "403", "Forbidden")).startswith("the caller may not HeadObject: ")


@pytest.mark.parametrize(
    ("error", "start"),
    [
        (client_error("ListPortfolios", "ExpiredToken", "x"), "AWS does not accept these credentials (ExpiredToken)"),
        (client_error("CreateProduct", "LimitExceededException", "Too many."), "AWS refused CreateProduct (LimitExc"),
        (boto.ProfileNotFound(profile="x"), "The config profile (x) could not be found."),
    ],
)
def test_other_refusals_keep_aws_own_words(error: boto.ClientError | boto.BotoCoreError, start: str) -> None:
    """With the operation and the code."""
    assert explain(error).startswith(start)
