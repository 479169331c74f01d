"""Give each job an /opt/ml and a /tmp of its own, with what this machine offers.

Four ways, tried in this order, once per process: a mount namespace as root, bubblewrap, a user namespace, and, where
none of these works, plain paths: `/opt/ml` is then rewritten in the arguments and the environment, and the SM_*
variables tell where the directories are (a script that spells /opt/ml in its own code fails in that last mode).
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from shlex import quote

ML = "/opt/ml"
TMP = "/tmp"  # noqa: S108  # the path a job sees; each job has its own
PROBE_SECONDS = 10.0
# A new network namespace starts without loopback; where the tool is missing it stays so.
LOOPBACK = "ip link set lo up 2>/dev/null || true"

# As an ordinary user /opt cannot be written: it is rebuilt on a tmpfs from its own entries, with ml added.
USER_OPT = r"""
mkdir -p "$keep"
mount --rbind /opt "$keep"
mount -t tmpfs -o mode=0755 tmpfs /opt
for entry in "$keep"/* "$keep"/.[!.]*; do
  [ -e "$entry" ] || continue
  name=${entry##*/}
  [ "$name" = ml ] && continue
  if [ -d "$entry" ]; then mkdir "/opt/$name"; else : > "/opt/$name"; fi
  mount --rbind "$entry" "/opt/$name"
done
mkdir -p /opt/ml
"""


class Mode(StrEnum):
    """How a job is confined."""

    UNSHARE_ROOT = "unshare-root"
    BWRAP = "bwrap"
    UNSHARE_USER = "unshare-user"
    PATHS = "paths"


@dataclass(frozen=True, kw_only=True)
class Box:
    """The directories on this machine that one job sees as /opt/ml and /tmp."""

    ml: Path
    tmp: Path


@dataclass(frozen=True, kw_only=True)
class Program:
    """What to run: `cwd` and every path are as the job sees them; `offline` is EnableNetworkIsolation."""

    argv: Sequence[str]
    env: Mapping[str, str]
    cwd: str = TMP
    offline: bool = False


@dataclass(frozen=True, kw_only=True)
class Sandbox:
    """Confines programs in one mode.

    `keep` are directories under /tmp that jobs must still see (the interpreter); `offline` tells whether this machine
    can cut a program off the network.
    """

    mode: Mode
    keep: tuple[Path, ...] = ()
    offline: bool = False

    @property
    def isolated(self) -> bool:
        """Tell whether jobs see their own /opt/ml and /tmp under these very names."""
        return self.mode is not Mode.PATHS

    def confine(self, box: Box, program: Program) -> Program:
        """Return the program to start on this machine so that it runs with the box's directories."""
        if self.mode is Mode.PATHS:
            return _rewritten(box, program)
        offline = self.offline and program.offline
        argv = [*self._namespaces(offline=offline)]
        loopback = LOOPBACK if offline else ""
        if self.mode is Mode.BWRAP:
            argv += [*self._bwrap(box, program.cwd), *program.argv]
        elif self.mode is Mode.UNSHARE_ROOT:
            argv += [self._script(box, program.cwd, [loopback, 'exec "$@"']), "job", *program.argv]
        else:
            back = f'exec unshare --user --map-user={os.getuid()} --map-group={os.getgid()} -- "$@"'
            opt = f"keep={quote(f'{box.tmp}-opt')}{USER_OPT}"
            argv += [self._script(box, program.cwd, [loopback, back], opt), "job", *program.argv]
        return replace(program, argv=[shutil.which(argv[0]) or argv[0], *argv[1:]], cwd="/")

    def _namespaces(self, *, offline: bool) -> list[str]:
        if self.mode is Mode.BWRAP:
            return ["bwrap", *(["--unshare-net"] if offline else [])]
        user = ["--user", "--map-root-user"] if self.mode is Mode.UNSHARE_USER else []
        net = ["--net"] if offline else []
        return ["unshare", *user, *net, "--mount", "--propagation", "private", "sh", "-c"]

    def _script(self, box: Box, cwd: str, last: Sequence[str], opt: str = "") -> str:
        tmp = quote(str(box.tmp))
        lines = ["set -e", opt, f"mount --bind {quote(str(box.ml))} {ML}"]
        for path in self.keep:
            inside = quote(f"{box.tmp}/{path.relative_to(TMP)}")
            lines += [f"mkdir -p {inside}", f"mount --rbind {quote(str(path))} {inside}"]
        lines += [f"mount --rbind {tmp} {TMP}", f"cd {quote(cwd)}", *last]
        return "\n".join(line for line in lines if line)

    def _bwrap(self, box: Box, cwd: str) -> list[str]:
        argv = ["--dev-bind", "/", "/", "--bind", str(box.tmp), TMP]
        for path in self.keep:
            argv += ["--bind", str(path), str(path)]
        if not Path(ML).is_dir():
            argv += ["--tmpfs", "/opt"]
            argv += [word for entry in sorted(Path("/opt").glob("*")) for word in ("--bind", *[str(entry)] * 2)]
        return [*argv, "--bind", str(box.ml), ML, "--chdir", cwd, "--die-with-parent", "--"]


def detect(python: Path) -> Sandbox:
    """Return the first mode that works here (about 20 ms as root); nothing is assumed, each is tried."""
    keep = _under_tmp(python)
    for mode in (Mode.UNSHARE_ROOT, Mode.BWRAP, Mode.UNSHARE_USER):
        sandbox = Sandbox(mode=mode, keep=keep)
        if _works(sandbox):
            offline = replace(sandbox, offline=True)
            return offline if _works(offline) else sandbox
    return Sandbox(mode=Mode.PATHS)


def _works(sandbox: Sandbox) -> bool:
    if sys.platform != "linux" or (sandbox.mode is Mode.UNSHARE_ROOT and not _mount_point()):
        return False
    with tempfile.TemporaryDirectory(prefix="lockgate-probe-") as name:
        box = Box(ml=Path(name, "ml"), tmp=Path(name, "tmp"))
        box.tmp.mkdir()
        (box.ml / "probe").mkdir(parents=True)
        program = Program(argv=["test", "-d", f"{ML}/probe"], env=dict(os.environ), offline=sandbox.offline)
        argv = [*sandbox.confine(box, program).argv]
        try:
            done = subprocess.run(argv, check=False, capture_output=True, timeout=PROBE_SECONDS)
        except (OSError, subprocess.TimeoutExpired):
            return False
        return done.returncode == 0


def _mount_point() -> bool:
    """Make the empty directory that namespaces mount over; only root can, and only root needs it."""
    if os.geteuid() != 0:
        return False
    try:
        Path(ML).mkdir(parents=True, exist_ok=True)
    except OSError:
        return False
    return True


def _under_tmp(python: Path) -> tuple[Path, ...]:
    """Return the directories under /tmp that the interpreter and this package are loaded from."""
    ask = "import sys; print('\\n'.join([sys.prefix, sys.base_prefix, *sys.path]))"
    argv = [str(python), "-c", ask]
    found = subprocess.run(argv, check=True, capture_output=True, text=True, timeout=PROBE_SECONDS).stdout
    here = Path(__file__).resolve().parents[2]
    paths = {Path(line) for line in found.splitlines() if line} | {here, python.parent}
    inside = sorted(p for p in paths if p.is_relative_to(TMP) and p.is_dir())
    return tuple(p for p in inside if not any(q != p and p.is_relative_to(q) for q in inside))


def _rewritten(box: Box, program: Program) -> Program:
    """Spell the box's real paths wherever the arguments and the environment say /opt/ml."""
    env = {key: _moved(box, value) for key, value in program.env.items()}
    env |= {"TMPDIR": str(box.tmp), "HOME": str(box.tmp)} | plain_paths(box.ml)
    cwd = str(box.tmp) if program.cwd == TMP else _moved(box, program.cwd)
    return Program(argv=[_moved(box, word) for word in program.argv], env=env, cwd=cwd)


def _moved(box: Box, text: str) -> str:
    return text.replace(ML, str(box.ml))


def plain_paths(ml: Path) -> dict[str, str]:
    """Return the SM_* variables that tell a job where its directories are, outside a namespace."""
    named = {
        "SM_MODEL_DIR": "model",
        "SM_OUTPUT_DATA_DIR": "output/data",
        "SM_OUTPUT_DIR": "output",
        "SM_INPUT_DIR": "input",
        "SM_INPUT_CONFIG_DIR": "input/config",
        "SAGEMAKER_BASE_DIR": "",
    }
    channels = sorted(ml.glob("input/data/*"))
    found = {f"SM_CHANNEL_{c.name.upper()}": str(c) for c in channels if c.is_dir()}
    return {key: str(ml / path) for key, path in named.items()} | found
