"""Taking one permission away for real: a checkout whose template lacks it, and the life cycle run from there."""

from __future__ import annotations

import json
import re
import shutil
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from lockgate_twin.audit.errors import AuditError
from lockgate_twin.audit.replay import Grant
from lockgate_twin.audit.snapshot import ACCESS_LOG
from lockgate_twin.authorization.conditions import as_list
from lockgate_twin.cloudformation.documents import load
from lockgate_twin.demo.twin_process import twin_process
from lockgate_twin.demo.world import Facts, World

HUB_STACK = re.compile(r"sagemaker-lockgate-(\w+)")
PROJECT = "templates/versions/*/project.template.yaml"
# After a denial, whoever waits for what it prevented is given up: the wait alone would take minutes.
_GRACE_SECONDS = 12.0
_LOOK_SECONDS = 0.25


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """What the life cycle did without a permission.

    `stage` failed with `error`, or waited in vain; `named_in` is where the action is named as the cause.
    """

    grant: Grant
    stage: str
    error: str
    named_in: str

    @property
    def needed(self) -> bool:
        """Tell whether the permission was missed and its action named."""
        return bool(self.stage and self.named_in)

    def __str__(self) -> str:
        if not self.stage:
            return f"NOT MISSED  {self.grant}"
        if not self.named_in:
            return f"NOT NAMED   {self.grant}: '{self.stage}' failed: {self.error or 'it waited in vain'}"
        return f"needed      {self.grant}: '{self.stage}' failed, named in {self.named_in}"


def mutated_checkout(root: Path, checkout: Path, grant: Grant) -> Path:
    """Make a checkout like `root` whose template lacks one action of one statement.

    Raises:
        AuditError: the role was not made from a template of this checkout.
    """
    checkout.mkdir(parents=True)
    for entry in root.iterdir():
        if entry.name not in {"catalog", "templates", ".git"}:
            (checkout / entry.name).symlink_to(entry)
    for name in ("catalog", "templates"):
        shutil.copytree(root / name, checkout / name, ignore=shutil.ignore_patterns("__pycache__"))
    origin = grant.role.origins.get(grant.statement.policy)
    for file in _templates(checkout, origin.stack if origin else ""):
        template = load(file.read_text(encoding="utf-8"))
        made = template["Resources"].get(origin.logical_id if origin else "")
        if made is not None:
            _remove(_policy_document(made, grant.statement.policy), grant)
            file.write_text(yaml.safe_dump(template, sort_keys=False, width=1_000), encoding="utf-8")
            return checkout
    raise AuditError(f"{grant} stands in no template of {root}.")


def _templates(checkout: Path, stack: str) -> list[Path]:
    """Return the files that a stack may have been made from: one of the hub's, else a project template."""
    hub = HUB_STACK.fullmatch(stack)
    return [checkout / "catalog" / f"{hub[1]}.yaml"] if hub else sorted(checkout.glob(PROJECT))


def try_life_cycle(checkout: Path, output: Path, grant: Grant, stages: Sequence[Any]) -> Verdict:
    """Run stages of the life cycle from a checkout until one fails, or waits for what a denial has prevented."""
    output.mkdir(parents=True)
    with twin_process(checkout, output, port=0) as state:
        world = World(root=checkout, output=output, project="audit", state=state, say=lambda _: None)
        attempt = _Attempt(world, stages)
        denials = Path(state.state_dir) / ACCESS_LOG
        attempt.run_until(lambda: _is_denied(denials, grant))
        stack = _naming_stack(world, grant) if attempt.stage else ""
    named_in = _named_in(attempt.error, stack, output, grant)
    return Verdict(grant=grant, stage=attempt.stage, error=attempt.error, named_in=named_in)


@dataclass
class _Attempt:
    """The life cycle on a thread; `stage` is the title of the one that did not succeed."""

    world: World
    stages: Sequence[Any]
    stage: str = ""
    error: str = ""
    _done: threading.Event = field(default_factory=threading.Event)

    def run_until(self, denied: Callable[[], bool]) -> None:
        """Run to the end, to a failure, or until a denial has had its effect."""
        threading.Thread(target=self._run, daemon=True).start()
        deadline = None
        while not self._done.wait(_LOOK_SECONDS):
            if deadline is None and denied():
                deadline = time.monotonic() + _GRACE_SECONDS
            if deadline is not None and time.monotonic() > deadline:
                return

    def _run(self) -> None:
        facts = Facts()
        try:
            for stage in self.stages:
                self.stage = stage.title
                facts = stage.run(self.world, facts)
            self.stage = ""
        except Exception as error:  # noqa: BLE001 - whatever ends a stage is what is looked for
            self.error = self.error or str(error)
        self._done.set()


def _policy_document(resource: Mapping[str, Any], policy: str) -> dict[str, Any]:
    properties = resource["Properties"]
    inline = {found["PolicyName"]: found["PolicyDocument"] for found in properties.get("Policies", [])}
    document: dict[str, Any] = inline[policy] if policy in inline else properties["PolicyDocument"]
    return document


def _remove(document: dict[str, Any], grant: Grant) -> None:
    statement = document["Statement"][grant.statement.number]
    left = [action for action in as_list(statement["Action"]) if action != grant.action]
    if left:
        statement["Action"] = left
    else:
        document["Statement"].remove(statement)


def _is_denied(log: Path, grant: Grant) -> bool:
    lines = log.read_text(encoding="utf-8").splitlines()
    candidates = [line for line in lines if '"allowed": false' in line and line.endswith("}")]
    return any(
        not check["allowed"] and check["action"].lower() == grant.action.lower()
        for record in map(json.loads, candidates)
        if f"/{_pattern(grant)}" in record["principal"]
        for check in record["checks"]
    )


def _pattern(grant: Grant) -> str:
    """Return the start of the role's name, as far as it does not carry a project's id."""
    return "sagemaker-p-" if grant.role.name.startswith("sagemaker-p-") else grant.role.name


def _naming_stack(world: World, grant: Grant) -> str:
    """Return the stack whose events name the action: they tell why CloudFormation failed, pipelines only that."""
    client = world.person("administrator").client("cloudformation")
    for stack in client.list_stacks()["StackSummaries"]:
        events = client.describe_stack_events(StackName=stack["StackId"])["StackEvents"]
        if any(grant.action in event.get("ResourceStatusReason", "") for event in events):
            return f"the events of stack {stack['StackName']}"
    return ""


def _named_in(error: str, stack: str, output: Path, grant: Grant) -> str:
    if grant.action in error:
        return "the stage's own message"
    if stack:
        return stack
    # What a person would look into: the logs of functions, builds and jobs; the access log is no proof of that.
    logs = sorted(file for file in output.rglob("*") if file.suffix in {".log", ".out"} and file.is_file())
    naming = (file for file in logs if grant.action in file.read_text(encoding="utf-8", errors="replace"))
    found = next(naming, None)
    return str(found.relative_to(output)) if found else ""
