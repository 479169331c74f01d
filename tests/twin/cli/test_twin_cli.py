"""`lockgate up`, `down` and `status`, as a person uses them."""

from __future__ import annotations

import fcntl
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]


def lockgate(*arguments: str, folder: Path, **env: str) -> subprocess.CompletedProcess[str]:
    """Run `./lockgate` with its state in a folder."""
    command = [str(ROOT / "lockgate"), *arguments]
    if arguments[0] in {"up", "down", "status"}:
        command += ["--state", str(folder)]
    return subprocess.run(command, capture_output=True, text=True, check=False, env={**os.environ, **env}, cwd=ROOT)


def variables(output: str) -> dict[str, str]:
    """Return what a shell has after `eval`ing the output of `lockgate up`."""
    printed = "import json, os; print(json.dumps(dict(os.environ)))"
    shell = subprocess.run(
        ["bash", "-c", f'{output}\nexec {sys.executable} -c "{printed}"'], capture_output=True, text=True, check=True
    )
    found: dict[str, str] = json.loads(shell.stdout)
    return found


def has_ended(pid: int) -> bool:
    """Tell whether a process has ended; nobody may have waited for it yet."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except FileNotFoundError:
        return True


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Keep a twin in a folder."""
    path = tmp_path_factory.mktemp("twin")
    yield path
    lockgate("down", folder=path)


@pytest.fixture(scope="module")
def shell(folder: Path) -> dict[str, str]:
    """Return the variables of a shell that uses the twin."""
    done = lockgate("up", "--port", "0", folder=folder)
    assert done.returncode == 0, done.stderr
    return variables(done.stdout)


def test_any_boto3_program_works_with_the_printed_variables(shell: dict[str, str]) -> None:
    """Nothing but the environment says that AWS is the twin."""
    program = "import boto3; print(boto3.client('sts').get_caller_identity()['Arn'])"
    done = subprocess.run([sys.executable, "-c", program], env=shell, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "arn:aws:iam::111122223333:user/administrator"


def test_git_works_with_codecommits_own_urls(shell: dict[str, str], tmp_path: Path) -> None:
    """A repository made by the API is cloned and pushed to by its CodeCommit URL."""
    program = "import boto3; boto3.client('codecommit').create_repository(repositoryName='mine')"
    subprocess.run([sys.executable, "-c", program], env=shell, check=True)
    url = "https://git-codecommit.us-east-1.amazonaws.com/v1/repos/mine"
    script = (
        f"git clone -q {url} w && cd w && git -c user.name=d -c user.email=d@example.com "
        "commit -q --allow-empty -m first && git push -q origin HEAD:main && git ls-remote origin main"
    )
    done = subprocess.run(["bash", "-ec", script], env=shell, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "refs/heads/main" in done.stdout


def test_up_again_uses_the_running_twin_for_another_person(shell: dict[str, str], folder: Path) -> None:
    """A second `up` starts nothing; `--as` gives somebody else's credentials."""
    done = lockgate("up", "--as", "data-scientist", folder=folder)
    assert variables(done.stdout)["AWS_ENDPOINT_URL"] == shell["AWS_ENDPOINT_URL"]
    assert variables(done.stdout)["AWS_SESSION_TOKEN"]


def test_somebody_unknown_is_refused_with_who_there_is(shell: dict[str, str], folder: Path) -> None:  # noqa: ARG001
    """The people are named."""
    done = lockgate("up", "--as", "nobody", folder=folder)
    assert done.returncode == 1
    assert done.stderr.startswith("lockgate: 'nobody' is nobody this twin knows; there are: administrator, approver")


def test_the_approver_exists_only_after_publishing(shell: dict[str, str], folder: Path) -> None:  # noqa: ARG001
    """The message says what makes the role."""
    done = lockgate("up", "--as", "approver", folder=folder)
    assert done.returncode == 1
    assert "It is made by 'lockgate publish'." in done.stderr


def test_status_tells_the_address(shell: dict[str, str], folder: Path) -> None:
    """`status` shows where the twin is."""
    done = lockgate("status", folder=folder, COLUMNS="200")
    assert done.returncode == 0
    assert shell["AWS_ENDPOINT_URL"] in done.stdout


def test_a_port_in_use_is_named(tmp_path: Path) -> None:
    """Nothing is started, and the next step is said."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        done = lockgate("up", "--port", port, folder=tmp_path)
    assert done.returncode == 1
    assert done.stderr.strip() == (
        f"lockgate: Port {port} on 127.0.0.1 is in use by another program; stop that program or choose another port "
        "with --port."
    )
    assert not (tmp_path / "twin.json").exists()


def test_down_ends_the_twin_and_says_what_stays(tmp_path: Path) -> None:
    """After `down` the process has ended; a second `down` finds nothing, `status` fails."""
    assert lockgate("up", "--port", "0", folder=tmp_path).returncode == 0
    pid = json.loads((tmp_path / "twin.json").read_text())["pid"]
    assert f"Its state and logs stay in {tmp_path}" in lockgate("down", folder=tmp_path).stdout
    assert has_ended(pid)
    assert "No twin runs" in lockgate("down", folder=tmp_path).stdout
    assert lockgate("status", folder=tmp_path).returncode == 1


def test_a_killed_twin_is_not_taken_for_a_running_one(tmp_path: Path) -> None:
    """What a dead twin wrote down does not mislead the next `up`."""
    assert lockgate("up", "--port", "0", folder=tmp_path).returncode == 0
    pid = json.loads((tmp_path / "twin.json").read_text())["pid"]
    os.kill(pid, signal.SIGKILL)
    again = lockgate("up", "--port", "0", folder=tmp_path)
    assert again.returncode == 0, again.stderr
    assert json.loads((tmp_path / "twin.json").read_text())["pid"] != pid
    lockgate("down", folder=tmp_path)


def test_what_a_twin_writes_is_for_its_owner_only(tmp_path: Path) -> None:
    """Nobody else on the machine reads keys, logs or sources."""
    folder = tmp_path / "new"
    assert lockgate("up", "--port", "0", folder=folder).returncode == 0
    try:
        assert folder.stat().st_mode & 0o777 == 0o700
        assert (folder / "twin.json").stat().st_mode & 0o777 == 0o600
    finally:
        lockgate("down", folder=folder)


def test_a_twin_of_another_folder_is_not_taken_for_this_ones(shell: dict[str, str], tmp_path: Path) -> None:
    """A dead twin's port and process id may both be somebody else's by now; `down` must not end that one."""
    bystander = subprocess.Popen(["sleep", "600"])
    stale = {
        "pid": bystander.pid,
        "endpoint_url": shell["AWS_ENDPOINT_URL"],
        "state_dir": str(tmp_path),
        "account": "111122223333",
        "region": "us-east-1",
        "access_key_id": "A",
        "secret_access_key": "S",
        "people": {},
    }
    (tmp_path / "twin.json").write_text(json.dumps(stale))
    try:
        assert "No twin runs" in lockgate("down", folder=tmp_path).stdout
        assert bystander.poll() is None
    finally:
        bystander.kill()
        bystander.wait()


def test_a_folder_belongs_to_one_twin(tmp_path: Path) -> None:
    """A second twin is refused even before the first one answers."""
    with (tmp_path / "twin.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        done = lockgate("up", "--port", "0", folder=tmp_path)
    assert done.returncode == 1
    assert f"Another twin is starting or stopping in {tmp_path}" in done.stderr


def test_a_second_interrupt_ends_a_twin_that_is_stopping(tmp_path: Path) -> None:
    """Ctrl-C twice never leaves the user with a process that does not end."""
    program = (
        "import signal, sys, time; from lockgate_twin.serve import _stop_signals\n"
        "stop = _stop_signals(stop_with_stdin=False)\nprint('on', flush=True)\nstop.wait()\n"
        "print('stopping', flush=True)\ntime.sleep(600)"
    )
    env = {**os.environ, "PYTHONPATH": str(ROOT / "twin" / "src")}
    twin = subprocess.Popen([sys.executable, "-c", program], env=env, stdout=subprocess.PIPE, text=True, cwd=tmp_path)
    assert twin.stdout is not None
    assert twin.stdout.readline() == "on\n"
    twin.send_signal(signal.SIGINT)
    assert twin.stdout.readline() == "stopping\n"
    twin.send_signal(signal.SIGINT)
    assert twin.wait(60) == -signal.SIGINT
    twin.stdout.close()


def test_an_unknown_verb_is_refused(tmp_path: Path) -> None:
    """The command says how to find out."""
    done = lockgate("deploy", folder=tmp_path)
    assert done.returncode == 2
    assert done.stderr == "lockgate: 'deploy' is no verb of lockgate; 'lockgate help' lists them.\n"
