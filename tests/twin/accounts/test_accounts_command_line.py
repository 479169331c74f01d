"""`lockgate up --account`: several accounts, each with its administrator and its people."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
STAGING, PRODUCTION = "222222222222", "333333333333"
TWO = ("--account", STAGING, "--account", PRODUCTION)
WHO = "import boto3; print(boto3.client('sts').get_caller_identity()['Arn'])"


def lockgate(verb: str, *arguments: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run `./lockgate` with its state in a folder."""
    command = [str(ROOT / "lockgate"), verb, "--state", str(folder), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)


def identity(exports: str) -> str:
    """Return who a shell with the printed variables is."""
    script = f'{exports}\nexec {sys.executable} -c "{WHO}"'
    return subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=True).stdout.strip()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Keep a twin with three accounts in a folder."""
    path = tmp_path_factory.mktemp("accounts")
    done = lockgate("up", "--port", "0", *TWO, folder=path)
    assert done.returncode == 0, done.stderr
    yield path
    lockgate("down", folder=path)


def test_each_accounts_administrator_is_printed(folder: Path) -> None:
    """`--as administrator@ACCOUNT` prints the variables of that account's administrator."""
    default = lockgate("up", folder=folder)
    staging = lockgate("up", "--as", f"administrator@{STAGING}", *TWO, folder=folder)
    assert identity(default.stdout) == "arn:aws:iam::111122223333:user/administrator"
    assert identity(staging.stdout) == f"arn:aws:iam::{STAGING}:user/administrator"
    assert f"111122223333, {STAGING}, {PRODUCTION}" in staging.stderr


def test_people_have_their_roles_in_every_account(folder: Path) -> None:
    """A data scientist of staging is another than the hub's."""
    shown = lockgate("up", "--as", f"data-scientist@{STAGING}", folder=folder)
    assert identity(shown.stdout) == f"arn:aws:sts::{STAGING}:assumed-role/SageMakerDataScientist/data-scientist"


def test_the_keys_are_in_the_state_file_for_its_owner_only(folder: Path) -> None:
    """The file that holds the administrators' keys is readable by nobody else."""
    file = folder / "twin.json"
    assert list(json.loads(file.read_text(encoding="utf-8"))["accounts"]) == [STAGING, PRODUCTION]
    assert file.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--as", "administrator@444444444444"), f"is no account of this twin; there are: 111122223333, {STAGING}"),
        (("--account", "444444444444"), "runs without the accounts 444444444444; stop it with 'lockgate down'"),
    ],
)
def test_an_account_that_is_not_there_is_named(folder: Path, arguments: tuple[str, ...], said: str) -> None:
    """One sentence with the next step, and exit status 1."""
    done = lockgate("up", *arguments, folder=folder)
    assert (done.returncode, done.stdout) == (1, "")
    assert said in done.stderr


def test_all_mistakes_in_accounts_are_told_together(tmp_path: Path) -> None:
    """Twelve digits, each once, not the default one; no twin is started."""
    wrong = ("12345", "111122223333", STAGING, STAGING)
    done = lockgate("up", "--port", "0", *(f"--account={account}" for account in wrong), folder=tmp_path)
    assert done.returncode == 1
    for said in ("'12345' is no account id", "111122223333 is the default account", f"'{STAGING}' is given 2 times"):
        assert said in done.stderr
    assert not (tmp_path / "twin.json").exists()


def test_accounts_outlive_the_twin(folder: Path) -> None:
    """`down` and `up` without naming them: the same accounts, the same keys."""
    file = folder / "twin.json"
    before = json.loads(file.read_text(encoding="utf-8"))["accounts"]
    assert lockgate("down", folder=folder).returncode == 0
    again = lockgate("up", "--port", "0", "--as", f"administrator@{PRODUCTION}", folder=folder)
    assert again.returncode == 0, again.stderr
    assert json.loads(file.read_text(encoding="utf-8"))["accounts"] == before
    assert identity(again.stdout) == f"arn:aws:iam::{PRODUCTION}:user/administrator"
