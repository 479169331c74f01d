"""One bash program that runs a build's phases, and the journal in which it tells what happened when.

Source: "Build specification reference" and "Build phase transitions" (CodeBuild User Guide); AWS's agent runs each
command as a script that takes over the exported variables and the folder of the one before, and so does this
program. Assumption: variables that a command sets without `export` are carried over, too, as AWS's own samples need.
"""

from __future__ import annotations

import shlex
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from lockgate_twin.services.codebuild.buildspec import Phase

# A failed install or pre_build ends the build; after a failed build, post_build still runs.
_ENDS_BUILD = {"install", "pre_build"}

_DRIVER = r"""
state=$1 log=$2 python=$3; shift 3
export CODEBUILD_BUILD_SUCCEEDING=1
export -p >"$state/environment"
pwd >"$state/directory"
journal() { printf '%s %s\n' "$EPOCHREALTIME" "$*" >>"$state/journal"; }
say() { printf '[Container] %(%Y/%m/%d %H:%M:%S)T %s\n' -1 "$*"; }

run_all() { # <phase> <commands|finally>: run them up to the first that fails
  local script text status
  for script in "$state/$1/$2"/*.sh; do
    [ -e "$script" ] || return 0
    text=$(<"${script%.sh}.txt")
    say "Running command $text"
    bash "$script" && continue
    status=$?
    say "Command did not exit successfully $text exit status $status"
    journal failed "$1" "${script%.sh}.txt" "$status"
    reason="COMMAND_EXECUTION_ERROR Message: Error while executing command: $text. Reason: exit status $status"
    return 1
  done
}

again() { # <phase> <bytes of the log before the attempt>: tell whether its output is a reason to try again
  tail -c "+$(($2 + 1))" "$log" | "$python" -ISc '
import pathlib, re, sys
pattern = pathlib.Path(sys.argv[1]).read_text()
sys.exit(not re.search(pattern, sys.stdin.buffer.read().decode(errors="replace")))' "$state/$1/matching"
}

outcome=0
for entry; do
  IFS=: read -r phase after retries <<<"$entry"
  journal start "$phase"
  say "Entering phase $phase"
  for ((attempt = 0; ; attempt++)); do
    result=SUCCEEDED reason=' Message: ' written=$(wc -c <"$log")
    run_all "$phase" commands || result=FAILED
    run_all "$phase" finally || result=FAILED
    [ "$result" = FAILED ] && ((attempt < retries)) && again "$phase" "$written" || break
    journal retry "$phase"
    say "Retrying phase $phase: retry $((attempt + 1)) of $retries"
  done
  journal end "$phase" "$result"
  say "Phase complete: $phase State: $result"
  say "Phase context status code: $reason"
  [ "$result" = SUCCEEDED ] && continue
  outcome=1
  printf 'declare -x CODEBUILD_BUILD_SUCCEEDING="0"\n' >>"$state/environment"
  [ "$after" = abort ] && break
done
bash -c '. "$1"; env -0 >"$2"' bash "$state/environment" "$state/final"
exit $outcome
"""


@dataclass(frozen=True, kw_only=True)
class Script:
    """The program of one build, as files in a folder of its own."""

    state: Path
    phases: tuple[str, ...]

    def argv(self, log: Path) -> list[str]:
        """Return the command that runs it; its output goes to `log`, in which it looks for reasons to try again."""
        return ["bash", str(self.state / "driver.sh"), str(self.state), str(log), sys.executable, *self.phases]

    @property
    def journal(self) -> Path:
        """Return the file that it writes its journal to."""
        return self.state / "journal"

    def final_environment(self) -> dict[str, str]:
        """Return the environment variables as the last command left them (none if it did not get that far)."""
        path = self.state / "final"
        if not path.exists():
            return {}
        pairs = path.read_text(errors="surrogateescape").split("\0")
        return dict(pair.split("=", 1) for pair in pairs if "=" in pair)


@dataclass(frozen=True, kw_only=True)
class PhaseRun:
    """What the journal tells about one phase; `failure` is the command that failed and its exit status."""

    name: str
    start: datetime
    end: datetime | None = None
    succeeded: bool | None = None
    failure: tuple[str, int] | None = None


def write_script(phases: Sequence[Phase], state: Path) -> Script:
    """Write the program that runs these phases."""
    state.mkdir(parents=True)
    (state / "driver.sh").write_text(_DRIVER)
    for phase in phases:
        _write_commands(state, phase.name.upper(), "commands", phase.commands)
        _write_commands(state, phase.name.upper(), "finally", phase.finally_commands)
        if phase.on_failure.retries:
            folder = state / phase.name.upper()
            folder.mkdir(exist_ok=True)
            (folder / "matching").write_text(phase.on_failure.matching)
    return Script(state=state, phases=tuple(_entry(phase) for phase in phases))


def _entry(phase: Phase) -> str:
    return f"{phase.name.upper()}:{_after_failure(phase)}:{phase.on_failure.retries}"


def read_journal(journal: Path) -> list[PhaseRun]:
    """Return the phases that have begun, the last one without an end while it runs."""
    if not journal.exists():
        return []
    runs: dict[str, PhaseRun] = {}
    for line in journal.read_text().splitlines():
        time, event, phase, *rest = line.split(" ", 3)
        moment = datetime.fromtimestamp(float(time.replace(",", ".")), UTC)
        runs[phase] = _after(runs.get(phase), event, PhaseRun(name=phase, start=moment), rest)
    return list(runs.values())


def _after(run: PhaseRun | None, event: str, now: PhaseRun, rest: Sequence[str]) -> PhaseRun:
    if run is None:
        return now
    if event == "end":
        return PhaseRun(
            name=run.name, start=run.start, end=now.start, succeeded=rest[0] == "SUCCEEDED", failure=run.failure
        )
    if event == "retry":
        return PhaseRun(name=run.name, start=run.start)
    path, _, status = rest[0].rpartition(" ")
    failure = run.failure or (Path(path).read_text().rstrip("\n"), int(status))
    return PhaseRun(name=run.name, start=run.start, failure=failure)


def _write_commands(state: Path, phase: str, kind: str, commands: Sequence[str]) -> None:
    folder = state / phase / kind
    for index, command in enumerate(commands):
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{index:03}.txt").write_text(command)
        (folder / f"{index:03}.sh").write_text(_command_script(state, command))


def _command_script(state: Path, command: str) -> str:
    environment, directory = shlex.quote(str(state / "environment")), shlex.quote(str(state / "directory"))
    return (
        f'. {environment}; cd "$(<{directory})"\n'
        f"__codebuild_keep() {{ export -p >{environment}; pwd >{directory}; }}\n"
        f"trap __codebuild_keep EXIT; set -a\n"
        f"{command}\n"
    )


def _after_failure(phase: Phase) -> str:
    if phase.on_failure.rule is not None:
        return "abort" if phase.on_failure.rule == "ABORT" else "continue"
    return "abort" if phase.name in _ENDS_BUILD else "continue"
