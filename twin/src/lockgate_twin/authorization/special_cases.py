"""What the Service Authorization Reference does not tell: names of parameters, renamed actions, odd resources."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any


@dataclass(frozen=True)
class Asked:
    """One parsed request, as authorization sees it.

    `role_arn` gives a role's full ARN from its name, `key_arn` a KMS key's from its id, alias or ARN.
    """

    service: str
    operation: str
    parameters: Mapping[str, Any]
    region: str
    account: str
    role_arn: Callable[[str], str | None]
    key_arn: Callable[[str], str | None] = lambda _: None

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


# API (botocore) service name -> IAM prefix, where they differ.
PREFIXES = {"stepfunctions": "states", "sagemaker-runtime": "sagemaker"}

# S3 operation -> action (Amazon S3 User Guide, "Required permissions for Amazon S3 API operations").
S3_ACTIONS = {
    "ListObjectsV2": "ListBucket",
    "ListObjects": "ListBucket",
    "HeadBucket": "ListBucket",
    "HeadObject": "GetObject",
    "ListObjectVersions": "ListBucketVersions",
    "CreateMultipartUpload": "PutObject",
    "UploadPart": "PutObject",
    "CompleteMultipartUpload": "PutObject",
    "CopyObject": "PutObject",
    "DeleteObjects": "DeleteObject",
    "GetBucketEncryption": "GetEncryptionConfiguration",
    "PutBucketEncryption": "PutEncryptionConfiguration",
    "DeleteBucketEncryption": "PutEncryptionConfiguration",
    "ListBuckets": "ListAllMyBuckets",
    "PutPublicAccessBlock": "PutBucketPublicAccessBlock",
    "GetPublicAccessBlock": "GetBucketPublicAccessBlock",
    "DeletePublicAccessBlock": "PutBucketPublicAccessBlock",
    "GetBucketLifecycleConfiguration": "GetLifecycleConfiguration",
    "PutBucketLifecycleConfiguration": "PutLifecycleConfiguration",
    "DeleteBucketLifecycle": "PutLifecycleConfiguration",
    "PutBucketNotificationConfiguration": "PutBucketNotification",
    "GetBucketNotificationConfiguration": "GetBucketNotification",
    "DeleteBucketTagging": "PutBucketTagging",
    "DeleteBucketOwnershipControls": "PutBucketOwnershipControls",
    "GetBucketCors": "GetBucketCORS",
    "PutBucketCors": "PutBucketCORS",
    "DeleteBucketCors": "PutBucketCORS",
    "ListMultipartUploads": "ListBucketMultipartUploads",
    "ListParts": "ListMultipartUploadParts",
}
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
}


def _builds(asked: Asked) -> list[str]:
    ids = asked.flat.get("ids") or [asked.flat.get("id", "")]
    return [asked.arn("codebuild", f"project/{build.rpartition('/')[2].split(':')[0]}") for build in ids]


def _projects(asked: Asked) -> list[str]:
    return [n if n.startswith("arn:") else asked.arn("codebuild", f"project/{n}") for n in asked.flat["names"]]


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


def _s3_delete_objects(asked: Asked) -> list[str]:
    return [f"arn:aws:s3:::{asked.flat['bucket']}/*"]


def _queue(asked: Asked) -> list[str]:
    name = asked.flat.get("queuename") or str(asked.flat.get("queueurl", "")).rpartition("/")[2]
    return [asked.arn("sqs", name)] if name else ["*"]


def _kms(asked: Asked) -> list[str]:
    named = [asked.flat.get(name) for name in ("keyid", "targetkeyid")]
    found = [_key(asked, name) for name in named if isinstance(name, str)]
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
    group = group.rpartition("/")[2]
    kinds = (f"model-package-group/{group}", f"model-package/{group}/*")
    return [asked.arn("sagemaker", kind) for kind in kinds]


def _listed_packages(asked: Asked) -> list[str]:
    group = str(asked.flat.get("modelpackagegroupname") or "").rpartition("/")[2]
    return [asked.arn("sagemaker", f"model-package/{group}/*")] if group else ["*"]


def _function(asked: Asked) -> list[str]:
    name = asked.flat.get("functionname") or ""
    return [name if name.startswith("arn:") else asked.arn("lambda", f"function:{name}")]


def _rule(asked: Asked) -> list[str]:
    name = asked.flat.get("rule") or asked.flat.get("name")
    return [asked.arn("events", f"rule/{name}")] if name else ["*"]


RESOURCES: Mapping[tuple[str, str], Callable[[Asked], list[str]]] = {
    ("codebuild", "BatchGetBuilds"): _builds,
    ("codebuild", "StopBuild"): _builds,
    ("codebuild", "BatchGetProjects"): _projects,
    ("codepipeline", "CreatePipeline"): _pipeline,
    ("codepipeline", "UpdatePipeline"): _pipeline,
    ("codepipeline", "PutApprovalResult"): _approval_action,
    ("cloudformation", "*"): _stack,
    ("iam", "*"): _iam,
    ("s3", "*"): _s3,
    ("s3", "DeleteObjects"): _s3_delete_objects,
    ("sqs", "*"): _queue,
    ("kms", "*"): _kms,
    ("logs", "*"): _log_group,
    ("sagemaker", "CreateModelPackage"): _model_package,
    ("sagemaker", "ListModelPackages"): _listed_packages,
    ("lambda", "Invoke"): _function,
    ("events", "PutRule"): _rule,
    ("events", "PutTargets"): _rule,
    ("events", "RemoveTargets"): _rule,
    ("events", "DeleteRule"): _rule,
    ("events", "DescribeRule"): _rule,
    ("events", "ListTargetsByRule"): _rule,
    ("events", "EnableRule"): _rule,
    ("events", "DisableRule"): _rule,
}
