"""What the Service Authorization Reference does not tell: names of parameters, renamed actions, odd resources."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

_ACCOUNT = re.compile(r"\d{12}")


@dataclass(frozen=True)
class Asked:
    """One parsed request, as authorization sees it.

    `role_arn` gives a role's full ARN from its name, `key_arn` a KMS key's from its id, alias or ARN,
    `ciphertext_key` that of the key with which something was encrypted.
    """

    service: str
    operation: str
    parameters: Mapping[str, Any]
    region: str
    account: str
    role_arn: Callable[[str], str | None]
    key_arn: Callable[[str], str | None] = lambda _: None
    ciphertext_key: Callable[[Any], str | None] = lambda _: None

    @cached_property
    def flat(self) -> dict[str, Any]:
        """Return the request's top-level members by lower-cased name."""
        return {k.lower(): v for k, v in self.parameters.items()}

    @cached_property
    def arns(self) -> list[str]:
        """Return the top-level members that are ARNs."""
        return [v for v in self.flat.values() if isinstance(v, str) and v.startswith("arn:")]

    def arn(self, service: str, name: str) -> str:
        """Return an ARN in the request's own region and account."""
        return f"arn:aws:{service}:{self.region}:{self.account}:{name}"

    def queue_arn(self) -> str:
        """Return the ARN of the SQS queue that the request names, or nothing; a URL's path has its owner's account."""
        if name := self.flat.get("queuename"):
            return self.arn("sqs", name)
        path = str(self.flat.get("queueurl") or "").rsplit("/", 2)
        if len(path) < 3:
            return ""
        account = path[1] if _ACCOUNT.fullmatch(path[1]) else self.account
        return f"arn:aws:sqs:{self.region}:{account}:{path[2]}"


# API (botocore) service name -> IAM prefix, where they differ.
PREFIXES = {"stepfunctions": "states", "sagemaker-runtime": "sagemaker"}

RENAMED = {("lambda", "Invoke"): "InvokeFunction"}

# Placeholder of an ARN template (lower case) -> request members that may fill it.
ALIASES: dict[str, tuple[str, ...]] = {
    "pipelinename": ("name",),
    "projectname": ("name", "names", "project"),
    "rulename": ("name", "rule"),
    "bucketname": ("bucket",),
    "parameternamewithoutleadingslash": ("name", "names"),
    "portfolioid": ("portfolioid", "id"),
    "productid": ("productid", "id"),
    "topicname": ("name", "topicarn"),
    "queuename": ("queuename", "queueurl"),
    "keyid": ("keyid", "targetkeyid"),
    "alias": ("aliasname",),
    "secretid": ("secretid", "name"),
    "repositoryname": ("repositoryname", "resourcearn"),
}

# Service whose API takes a role -> the principal the role is passed to.
PASSED_TO = {
    "sagemaker": "sagemaker.amazonaws.com",
    "codebuild": "codebuild.amazonaws.com",
    "codepipeline": "codepipeline.amazonaws.com",
    "events": "events.amazonaws.com",
    "lambda": "lambda.amazonaws.com",
    "cloudformation": "cloudformation.amazonaws.com",
    "scheduler": "scheduler.amazonaws.com",
}


def _builds(asked: Asked) -> list[str]:
    ids = asked.flat.get("ids") or [asked.flat.get("id", "")]
    return [asked.arn("codebuild", f"project/{build.rpartition('/')[2].split(':')[0]}") for build in ids]


def _projects(asked: Asked) -> list[str]:
    return [n if n.startswith("arn:") else asked.arn("codebuild", f"project/{n}") for n in asked.flat["names"]]


def _report_groups(asked: Asked) -> list[str]:
    """Name the groups of the reports in a request; a report's ARN is its group's, followed by its own id."""
    flat = asked.flat
    many = flat.get("reportgrouparns") or flat.get("reportarns")
    named = many or [flat.get("reportgrouparn") or flat.get("reportarn") or flat.get("arn") or flat.get("name", "*")]
    names = [arn.partition("/")[2].split(":")[0] if arn.startswith("arn:") else arn for arn in named]
    return [asked.arn("codebuild", f"report-group/{name}") for name in names]


def _pipeline(asked: Asked) -> list[str]:
    return [asked.arn("codepipeline", asked.parameters["pipeline"]["name"])]


def _approval_action(asked: Asked) -> list[str]:
    p = asked.parameters
    return [asked.arn("codepipeline", f"{p['pipelineName']}/{p['stageName']}/{p['actionName']}")]


def _stack(asked: Asked) -> list[str]:
    name = asked.flat.get("stackname")
    if not name:
        return ["*"]
    return [name if name.startswith("arn:") else asked.arn("cloudformation", f"stack/{name}/*")]


def _iam(asked: Asked) -> list[str]:
    flat = asked.flat
    if role := flat.get("rolename"):
        path = flat.get("path", "/")
        return [asked.role_arn(role) or f"arn:aws:iam::{asked.account}:role{path}{role}"]
    if arn := flat.get("policyarn"):
        return [arn]
    if policy := flat.get("policyname"):
        return [f"arn:aws:iam::{asked.account}:policy{flat.get('path', '/')}{policy}"]
    return ["*"]


def _s3(asked: Asked) -> list[str]:
    bucket, key = asked.flat.get("bucket"), asked.flat.get("key")
    if not bucket:
        return ["*"]
    return [f"arn:aws:s3:::{bucket}/{key}" if key else f"arn:aws:s3:::{bucket}"]


def _queue(asked: Asked) -> list[str]:
    return [asked.queue_arn() or "*"]


def reencrypted(asked: Asked) -> list[tuple[str, str]]:
    """Return the two actions of ReEncrypt, each with its key (KMS API Reference)."""
    source, blob = asked.flat.get("sourcekeyid"), asked.flat.get("ciphertextblob")
    before = _key(asked, source) if source else asked.ciphertext_key(blob) or "*"
    return [("kms:ReEncryptFrom", before), ("kms:ReEncryptTo", _key(asked, str(asked.flat["destinationkeyid"])))]


def event_entries(asked: Asked) -> list[tuple[str, dict[str, str]]]:
    """Return the bus of each entry of PutEvents, with the condition keys that the entry gives."""
    return [(_event_bus(asked, entry), _event_keys(entry)) for entry in asked.flat.get("entries") or ()]


def _event_bus(asked: Asked, entry: Mapping[str, Any]) -> str:
    name = str(entry.get("EventBusName") or "default")
    return name if name.startswith("arn:") else asked.arn("events", f"event-bus/{name}")


def _event_keys(entry: Mapping[str, Any]) -> dict[str, str]:
    keys = {"events:source": entry.get("Source"), "events:detail-type": entry.get("DetailType")}
    return {name: str(value) for name, value in keys.items() if value}


def _kms(asked: Asked) -> list[str]:
    named = [asked.flat.get(name) for name in ("keyid", "targetkeyid")]
    found = [_key(asked, name) for name in named if isinstance(name, str)]
    if not found and (blob := asked.flat.get("ciphertextblob")) and (arn := asked.ciphertext_key(blob)):
        found = [arn]
    alias = asked.flat.get("aliasname")
    return found + ([asked.arn("kms", alias)] if alias else [])


def _key(asked: Asked, name: str) -> str:
    """Return what a call on a key is authorized on: an alias means its key (KMS Developer Guide, "Aliases")."""
    if known := asked.key_arn(name):
        return known
    if name.startswith("arn:"):
        return name
    return asked.arn("kms", name if name.startswith("alias/") else f"key/{name}")


def _log_group(asked: Asked) -> list[str]:
    name, stream = asked.flat.get("loggroupname"), asked.flat.get("logstreamname")
    if not name:
        return [a for a in asked.arns if ":logs:" in a] or [asked.arn("logs", "log-group:*")]
    return [asked.arn("logs", f"log-group:{name}:log-stream:{stream or ''}")]


def _model_package(asked: Asked) -> list[str]:
    group = asked.flat.get("modelpackagegroupname")
    if not group:
        return [asked.arn("sagemaker", f"model-package/{asked.flat.get('modelpackagename', '*')}")]
    where, name = _group(asked, group)
    return [f"{where}:model-package-group/{name}", f"{where}:model-package/{name}/*"]


def _listed_packages(asked: Asked) -> list[str]:
    group = str(asked.flat.get("modelpackagegroupname") or "")
    where, name = _group(asked, group)
    return [f"{where}:model-package/{name}/*"] if group else ["*"]


def _group(asked: Asked, name_or_arn: str) -> tuple[str, str]:
    """Return a group's ARN up to its account, and its name."""
    named = name_or_arn.startswith("arn:")
    arn = name_or_arn if named else asked.arn("sagemaker", f"model-package-group/{name_or_arn}")
    *where, resource = arn.split(":", 5)
    return ":".join(where), resource.rpartition("/")[2]


def _model(asked: Asked) -> list[str]:
    """Another account's packages are asked as well (Developer Guide, "Cross-account deployment of model packages").

    Assumption: their resource policy and the caller's policies must allow sagemaker:CreateModel on the package.
    """
    flat = asked.flat
    containers = [flat.get("primarycontainer"), *(flat.get("containers") or ())]
    named = [str(c.get("ModelPackageName") or "") for c in containers if c]
    foreign = [arn for arn in named if arn.startswith("arn:") and arn.split(":", 5)[4] != asked.account]
    return [asked.arn("sagemaker", f"model/{flat['modelname']}"), *foreign]


def _function(asked: Asked) -> list[str]:
    """Return the function's ARN from any form of its name (API Reference: name, "<account>:function:<name>", ARN)."""
    name = str(asked.flat.get("functionname") or "")
    if not name or name.startswith("arn:"):
        return [name] if name else asked.arns
    if ":function:" in name:
        return [f"arn:aws:lambda:{asked.region}:{name}"]
    return [asked.arn("lambda", f"function:{name.removeprefix('function:')}")]


def _alarms(asked: Asked) -> list[str]:
    flat = asked.flat
    named = [*(flat.get("alarmnames") or ()), *([flat["alarmname"]] if flat.get("alarmname") else ())]
    return [asked.arn("cloudwatch", f"alarm:{name}") for name in named or ["*"]]


def _rule(asked: Asked) -> list[str]:
    name = asked.flat.get("rule") or asked.flat.get("name")
    return [asked.arn("events", f"rule/{name}")] if name else ["*"]


def _schedule(asked: Asked) -> list[str]:
    return [asked.arn("scheduler", f"schedule/{asked.flat.get('groupname') or 'default'}/{asked.flat['name']}")]


def _everything(_: Asked) -> list[str]:
    return ["*"]


def _schedule_group(asked: Asked) -> list[str]:
    return asked.arns or [asked.arn("scheduler", f"schedule-group/{asked.flat.get('name', '*')}")]


RESOURCES: Mapping[tuple[str, str], Callable[[Asked], list[str]]] = {
    ("codebuild", "BatchGetBuilds"): _builds,
    ("codebuild", "StopBuild"): _builds,
    ("codebuild", "RetryBuild"): _builds,
    ("codebuild", "BatchGetProjects"): _projects,
    ("codebuild", "CreateReportGroup"): _report_groups,
    ("codebuild", "UpdateReportGroup"): _report_groups,
    ("codebuild", "DeleteReportGroup"): _report_groups,
    ("codebuild", "BatchGetReportGroups"): _report_groups,
    ("codebuild", "BatchGetReports"): _report_groups,
    ("codebuild", "ListReportsForReportGroup"): _report_groups,
    ("codebuild", "DescribeTestCases"): _report_groups,
    ("codebuild", "DeleteReport"): _report_groups,
    ("codepipeline", "CreatePipeline"): _pipeline,
    ("codepipeline", "UpdatePipeline"): _pipeline,
    ("codepipeline", "PutApprovalResult"): _approval_action,
    ("cloudformation", "*"): _stack,
    ("iam", "*"): _iam,
    ("s3", "*"): _s3,
    ("sqs", "*"): _queue,
    ("kms", "*"): _kms,
    ("logs", "*"): _log_group,
    ("sagemaker", "CreateModelPackage"): _model_package,
    ("sagemaker", "ListModelPackages"): _listed_packages,
    ("sagemaker", "CreateModel"): _model,
    ("lambda", "*"): _function,
    ("cloudwatch", "DeleteAlarms"): _alarms,
    ("cloudwatch", "DescribeAlarms"): _alarms,
    ("cloudwatch", "DisableAlarmActions"): _alarms,
    ("cloudwatch", "EnableAlarmActions"): _alarms,
    ("scheduler", "CreateSchedule"): _schedule,
    ("scheduler", "UpdateSchedule"): _schedule,
    ("scheduler", "GetSchedule"): _schedule,
    ("scheduler", "DeleteSchedule"): _schedule,
    ("scheduler", "ListSchedules"): _everything,
    ("scheduler", "ListScheduleGroups"): _everything,
    ("scheduler", "*"): _schedule_group,
    ("events", "PutRule"): _rule,
    ("events", "PutTargets"): _rule,
    ("events", "RemoveTargets"): _rule,
    ("events", "DeleteRule"): _rule,
    ("events", "DescribeRule"): _rule,
    ("events", "ListTargetsByRule"): _rule,
    ("events", "EnableRule"): _rule,
    ("events", "DisableRule"): _rule,
}
