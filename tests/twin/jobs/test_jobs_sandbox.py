"""Every way to confine a job gives it its own /opt/ml and /tmp; the fallback says where they are."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from lockgate_twin.jobs.sandbox import Box, Mode, Program, Sandbox, detect

SCRIPT = """
import json, os, pathlib
pathlib.Path("/opt/ml/model/out").write_text("model")
pathlib.Path("/tmp/scratch").write_text("scratch")
print(json.dumps([os.getcwd(), sorted(os.listdir("/tmp")), sorted(os.listdir("/opt"))]))
"""
FOUND = detect(Path(sys.executable))


@pytest.fixture
def box(tmp_path: Path) -> Box:
    """The directories of one job."""
    made = Box(ml=tmp_path / "ml", tmp=tmp_path / "tmp")
    for directory in (made.ml / "model", made.ml / "input/data/train", made.tmp):
        directory.mkdir(parents=True)
    return made


def run(sandbox: Sandbox, box: Box, program: Program) -> subprocess.CompletedProcess[str]:
    """Run a program as a job is run."""
    confined = sandbox.confine(box, program)
    command = [*confined.argv]
    return subprocess.run(
        command, env=dict(confined.env), cwd=confined.cwd, capture_output=True, text=True, check=False
    )


def available(mode: Mode) -> Sandbox:
    """Return the sandbox of a mode, or skip where this machine does not offer it."""
    tools = {Mode.UNSHARE_ROOT: "unshare", Mode.UNSHARE_USER: "unshare", Mode.BWRAP: "bwrap"}
    if not shutil.which(tools[mode]) or (mode is Mode.UNSHARE_ROOT and os.geteuid() != 0):
        pytest.skip(f"{mode} is not to be had here")
    sandbox = replace(FOUND, mode=mode)
    probe = ["unshare", "--mount", "true"]
    if mode is Mode.UNSHARE_ROOT and subprocess.run(probe, check=False, capture_output=True).returncode:
        pytest.skip("mount namespaces are not to be had here")
    probe = ["unshare", "--user", "--map-root-user", "--mount", "true"]
    if mode is Mode.UNSHARE_USER and subprocess.run(probe, check=False, capture_output=True).returncode:
        pytest.skip("user namespaces are not to be had here")
    return sandbox


@pytest.mark.parametrize("mode", [Mode.UNSHARE_ROOT, Mode.BWRAP, Mode.UNSHARE_USER])
def test_a_job_has_its_own_opt_ml_and_tmp(box: Box, mode: Mode) -> None:
    """What a job writes to /opt/ml and /tmp is in its own directories; the rest of /opt is still there."""
    sandbox = available(mode)
    done = run(sandbox, box, Program(argv=[sys.executable, "-c", SCRIPT], env=dict(os.environ), cwd="/opt/ml/model"))
    assert done.returncode == 0, done.stderr
    cwd, tmp, opt = json.loads(done.stdout)
    assert cwd == "/opt/ml/model"
    assert (box.ml / "model/out").read_text() == "model"
    assert (box.tmp / "scratch").read_text() == "scratch"
    assert "scratch" in tmp
    assert set(os.listdir("/opt")) <= set(opt)  # noqa: PTH208


@pytest.mark.parametrize("mode", [Mode.UNSHARE_ROOT, Mode.BWRAP, Mode.UNSHARE_USER])
def test_directories_under_tmp_can_be_kept(box: Box, mode: Mode, tmp_path: Path) -> None:
    """An interpreter that lives under /tmp stays visible; its neighbours do not."""
    kept, hidden = tmp_path / "interpreter", tmp_path / "hidden"
    for directory in (kept, hidden):
        directory.mkdir()
        (directory / "file").write_text("x")
    if not tmp_path.is_relative_to("/tmp"):  # noqa: S108
        pytest.skip("pytest's directory is not under /tmp")
    sandbox = replace(available(mode), keep=(kept,))
    for directory, code in ((kept, 0), (hidden, 1)):
        done = run(sandbox, box, Program(argv=["test", "-e", str(directory / "file")], env=dict(os.environ)))
        assert done.returncode == code, done.stderr


@pytest.mark.parametrize("mode", [Mode.UNSHARE_ROOT, Mode.BWRAP, Mode.UNSHARE_USER])
def test_an_offline_job_has_no_network(box: Box, mode: Mode) -> None:
    """EnableNetworkIsolation leaves a job without any interface but loopback; other jobs keep theirs."""
    sandbox = available(mode)
    if not sandbox.offline:
        pytest.skip("network namespaces are not to be had here")
    program = Program(argv=["cat", "/proc/net/dev"], env=dict(os.environ), offline=True)
    offline = run(sandbox, box, program).stdout.splitlines()[2:]
    online = run(sandbox, box, replace(program, offline=False)).stdout.splitlines()[2:]
    assert [line.split(":")[0].strip() for line in offline] == ["lo"]
    assert len(online) >= len(offline)


def test_the_fallback_rewrites_paths_and_tells_them(box: Box) -> None:
    """Without namespaces /opt/ml in arguments and variables becomes the real path, and SM_* tell the directories."""
    script = "import os, sys, json; print(json.dumps([sys.argv[1:], dict(os.environ), os.getcwd()]))"
    env = {"PATH": os.environ["PATH"], "SAGEMAKER_SUBMIT_DIRECTORY": "/opt/ml/model/code"}
    program = Program(argv=[sys.executable, "-c", script, "--out=/opt/ml/model"], env=env, cwd="/opt/ml/model")
    done = run(Sandbox(mode=Mode.PATHS), box, program)
    argv, told, cwd = json.loads(done.stdout)
    assert argv == [f"--out={box.ml}/model"]
    assert told["SAGEMAKER_SUBMIT_DIRECTORY"] == f"{box.ml}/model/code"
    assert (told["SM_MODEL_DIR"], told["SM_CHANNEL_TRAIN"]) == (f"{box.ml}/model", f"{box.ml}/input/data/train")
    assert (told["TMPDIR"], cwd) == (str(box.tmp), f"{box.ml}/model")


def test_detection_leaves_nothing_behind(tmp_path: Path) -> None:
    """Detection finds a mode that works here and removes its probe."""
    before = {path.name for path in Path(tmp_path.anchor, "tmp").glob("lockgate-probe-*")}
    assert detect(Path(sys.executable)) == FOUND
    assert {path.name for path in Path(tmp_path.anchor, "tmp").glob("lockgate-probe-*")} == before


def test_the_bubblewrap_command_binds_both_directories_last(box: Box, tmp_path: Path) -> None:
    """The command binds /tmp before what is kept beneath it, and /opt/ml after everything it replaces."""
    sandbox = Sandbox(mode=Mode.BWRAP, keep=(tmp_path,), offline=True)
    argv = [*sandbox.confine(box, Program(argv=["true"], env={}, cwd="/opt/ml/code", offline=True)).argv]
    binds = [tuple(argv[i + 1 : i + 3]) for i, word in enumerate(argv) if word == "--bind"]
    assert binds[:2] == [(str(box.tmp), "/tmp"), (str(tmp_path), str(tmp_path))]  # noqa: S108
    assert binds[-1] == (str(box.ml), "/opt/ml")
    assert "--unshare-net" in argv
    assert argv[-5:] == ["--chdir", "/opt/ml/code", "--die-with-parent", "--", "true"]
