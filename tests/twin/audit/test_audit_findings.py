"""What an audit finds in a run: used and unused, reasons of wildcards, permissions granted twice."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from lockgate_twin.audit.document import document
from lockgate_twin.audit.errors import AuditError
from lockgate_twin.audit.findings import RoleFindings, find
from lockgate_twin.audit.replay import denied_without, used_grants
from lockgate_twin.audit.run import open_run
from lockgate_twin.cli import main

from tests.twin.audit.audited_run import BUCKET, STARTED, allow, arn, policy, record, role, snapshot, write

READ = allow("Read", ["s3:GetObject", "s3:GetObjectVersion"], f"{BUCKET}/*")
GOT = record("build", "s3:GetObject", f"{BUCKET}/a")


def findings(folder: Path, found: dict[str, Any], *records: dict[str, Any]) -> RoleFindings:
    """Audit a run of one role."""
    (only,) = find(open_run(write(folder, found, list(records))))
    return only


def test_an_action_is_used_where_its_statement_allowed_it(tmp_path: Path) -> None:
    """Used and never used are told by statement: another statement's resource does not count."""
    elsewhere = allow("Elsewhere", ["s3:GetObject"], "arn:aws:s3:::other/*")
    found = findings(tmp_path, snapshot(role("build", READ, elsewhere)), GOT, GOT)
    assert found.calls == 2
    assert [(use.statement.sid, use.used, use.never_used) for use in found.statements] == [
        ("Read", ("s3:GetObject",), ("s3:GetObjectVersion",)),
        ("Elsewhere", (), ("s3:GetObject",)),
    ]
    assert not found.spare
    assert not found.changed


def test_a_condition_is_held_against_the_recorded_keys(tmp_path: Path) -> None:
    """A statement whose condition the request did not meet has allowed nothing."""
    met = allow("Met", ["s3:GetObject"], "*", StringEquals={"aws:RequestedRegion": "us-east-1"})
    missed = allow("Missed", ["s3:GetObject"], "*", StringEquals={"aws:RequestedRegion": "eu-west-1"})
    found = findings(tmp_path, snapshot(role("build", met, missed)), GOT)
    assert {use.statement.sid: use.used for use in found.statements} == {"Met": ("s3:GetObject",), "Missed": ()}


def test_an_action_that_two_statements_allow_is_granted_twice(tmp_path: Path) -> None:
    """Neither of the two is needed; each alone would be."""
    twice = snapshot(role("build", READ, allow("Again", ["s3:Get*"], "*")))
    assert [grant.statement.sid for grant in findings(tmp_path, twice, GOT).spare] == ["Read", "Again"]
    assert not findings(tmp_path, snapshot(role("build", READ)), GOT).spare


@pytest.mark.parametrize("principal", [{"AWS": arn("build")}, "*"])
def test_what_a_resource_policy_allows_too_is_granted_twice(tmp_path: Path, principal: Any) -> None:
    """A bucket policy that names the role stands in for the role's own policy."""
    shared = policy({"Effect": "Allow", "Principal": principal, "Action": "s3:GetObject", "Resource": f"{BUCKET}/*"})
    policies = {BUCKET: {"policy": shared, "account": "111122223333"}}
    found = findings(tmp_path, snapshot(role("build", READ), resource_policies=policies), GOT)
    assert [grant.action for grant in found.spare] == ["s3:GetObject"]


def test_taking_an_action_away_denies_what_rested_on_it_and_nothing_else(tmp_path: Path) -> None:
    """Only the request that used the action is denied without it."""
    both = role("build", allow("All", ["s3:GetObject", "s3:PutObject"], f"{BUCKET}/*"))
    put = record("build", "s3:PutObject", f"{BUCKET}/b")
    run = open_run(write(tmp_path, snapshot(both), [GOT, put]))
    grants = used_grants(run.roles[0], run.log.checks)
    assert [[check.action for check in denied_without(grant, {})] for grant in grants] == [
        ["s3:GetObject"],
        ["s3:PutObject"],
    ]


def test_a_managed_policy_that_is_the_boundary_too_loses_the_action_in_both(tmp_path: Path) -> None:
    """As on AWS, where both are the same policy."""
    managed = "arn:aws:iam::111122223333:policy/lockgate/launch"
    own = {**role("launch"), "policies": [{"name": managed, "document": policy(READ)}]}
    own |= {"boundary_arn": managed, "boundary": policy(READ)}
    run = open_run(write(tmp_path, snapshot(own), [record("launch", "s3:GetObject", f"{BUCKET}/a")]))
    (grant,) = used_grants(run.roles[0], run.log.checks)
    less = grant.role.without(grant.statement, grant.action)
    assert less.boundary == less.policies[managed] != policy(READ)


def test_a_decision_that_the_policies_of_today_would_not_repeat_is_told(tmp_path: Path) -> None:
    """Policies that changed during the run are not passed over in silence."""
    narrowed = snapshot(role("build", allow("Read", ["s3:GetObject"], f"{BUCKET}/b")))
    assert [check.resource for check in findings(tmp_path, narrowed, GOT).changed] == [f"{BUCKET}/a"]


def test_denials_are_counted_and_a_deny_that_refused_says_so(tmp_path: Path) -> None:
    """An explicit Deny is never 'unused'; it is a guard that was hit or not."""
    deny = {"Sid": "Never", "Effect": "Deny", "Action": ["s3:PutObject"], "Resource": "*"}
    put = record("build", "s3:PutObject", f"{BUCKET}/b", allowed=False)
    found = findings(tmp_path, snapshot(role("build", READ, deny)), put)
    assert found.denied == {"s3:PutObject": 1}
    assert [(use.statement.sid, use.hits) for use in found.statements] == [("Read", 0), ("Never", 1)]


def test_wildcards_carry_the_reason_that_their_template_states(tmp_path: Path) -> None:
    """Metadata.WildcardReasons of the role's own resource gives it by Sid; what has none is told to have none."""
    template = {
        "Resources": {"Build": {"Type": "AWS::IAM::Role", "Metadata": {"WildcardReasons": {"Read": "Own bucket."}}}}
    }
    stack = {
        "name": "hub",
        "role_arn": None,
        "template": json.dumps(template),
        "resources": [{"logical_id": "Build", "type": "AWS::IAM::Role", "physical_id": "build"}],
    }
    bare = allow("Bare", ["s3:*"], BUCKET)
    found = findings(tmp_path, snapshot(role("build", READ, bare), stacks=[stack]), GOT)
    told = document([found])["roles"][0]["statements"]
    assert [(s["wildcards"], s["reason"]) for s in told] == [([f"{BUCKET}/*"], "Own bucket."), (["s3:*"], None)]


def test_what_happened_before_this_twin_started_does_not_count(tmp_path: Path) -> None:
    """A folder may hold the log of earlier twins."""
    earlier = {**GOT, "time": "2026-11-22T09:59:59.999+00:00"}
    assert findings(tmp_path, snapshot(role("build", READ)), earlier).calls == 0
    assert earlier["time"] < STARTED


def test_a_killed_twin_cannot_be_audited_and_the_sentence_says_why(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Without the roles' policies there is no proof."""
    write(tmp_path, None, [GOT])
    assert main(["audit", "--state", str(tmp_path)]) == 1
    assert "stopped with 'lockgate down'" in capsys.readouterr().err


def test_half_a_line_at_the_end_is_passed_over_but_not_one_in_between(tmp_path: Path) -> None:
    """A log may end within a line; anywhere else a broken line is named."""
    write(tmp_path, snapshot(role("build", READ)), [GOT])
    log = tmp_path / "access.jsonl"
    log.write_text(log.read_text() + '{"time": "20')
    assert open_run(tmp_path).log.calls == {arn("build"): 1}
    log.write_text('{"time": "20\n' + json.dumps(GOT) + "\n")
    with pytest.raises(AuditError, match="line 1"):
        open_run(tmp_path)


def test_the_tables_and_the_json_tell_the_same(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """People and programs get the same facts; a role that does not exist is refused with those that do."""
    write(tmp_path, snapshot(role("build", READ)), [GOT])
    assert main(["audit", "--state", str(tmp_path), "--json"]) == 0
    (told,) = json.loads(capsys.readouterr().out)["roles"]
    assert main(["audit", "--state", str(tmp_path), "--role", "build"]) == 0
    table = capsys.readouterr().out
    assert told["statements"][0]["never_used"] == ["s3:GetObjectVersion"]
    assert "s3:GetObjectVersion" in table
    assert "no reason stated" in table
    assert main(["audit", "--state", str(tmp_path), "--role", "nobody"]) == 1
    assert "there are: build" in capsys.readouterr().err
