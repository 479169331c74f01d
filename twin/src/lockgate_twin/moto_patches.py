"""Corrections of moto, each named, with its reason; applied once, when the host starts."""

from __future__ import annotations

import json
import threading
from typing import Any

from lockgate_twin import botocore_data
from lockgate_twin.authorization.conditions import as_list
from lockgate_twin.authorization.context import RequestContext
from lockgate_twin.authorization.principals import DIRECT_KINDS
from lockgate_twin.authorization.statements import compiled

_LOG_DELIVERY = "logging.s3.amazonaws.com"
_metric_filters: list[Any] = []
_puts: list[Any] = []
_conditional_writes = threading.RLock()


def apply() -> None:
    """Apply every correction; doing it again changes nothing."""
    from moto.core import utils
    from moto.core.responses import BaseResponse
    from moto.logs.metric_filters import MetricFilters
    from moto.s3.models import FakeBucket
    from moto.s3.responses import S3Response

    # moto 5.2.5 makes a new loader for every service, which lists all of botocore's files again.
    utils._load_service_model = botocore_data.model
    BaseResponse.get_current_account = account_of_the_front
    FakeBucket._log_permissions_enabled_policy = staticmethod(log_delivery_is_allowed)
    FakeBucket.get_permission = leave_to_the_front
    if S3Response.put_object is not put_one_at_a_time:
        _puts.append(S3Response.put_object)
        S3Response.put_object = put_one_at_a_time
    if MetricFilters.add_filter is not replace_metric_filter:
        _metric_filters.append(MetricFilters.add_filter)
        MetricFilters.add_filter = replace_metric_filter


def account_of_the_front(response: Any) -> str:
    """Return the account that the front authorized a request for; it names one in every request.

    moto 5.2.5 prefers its process' environment, which is one account for all requests.
    """
    from moto.core import DEFAULT_ACCOUNT_ID

    return str(response.headers.get("x-moto-account-id") or DEFAULT_ACCOUNT_ID)


def leave_to_the_front(_bucket: Any, _action: str, _resource: str) -> Any:
    """Say nothing about a request.

    moto 5.2.5 judges bucket policies without their conditions, so that every TLS-only policy denies everything; the
    front has already judged them in full.
    """
    from moto.iam.access_control import PermissionResult

    return PermissionResult.NEUTRAL


def put_one_at_a_time(response: Any) -> Any:
    """Put an object; of several conditional writes of one key at the same time, one finds the key free.

    moto 5.2.5 looks for the key and writes it in two steps. Source: S3 User Guide, "Prevent object overwrites with
    conditional writes".
    """
    if not (response.headers.get("If-None-Match") or response.headers.get("If-Match")):
        return _puts[0](response)
    with _conditional_writes:
        return _puts[0](response)


def log_delivery_is_allowed(target_bucket: Any, target_prefix: str | None) -> bool:
    """Tell whether a bucket's policy lets S3 deliver access logs to it.

    moto 5.2.5 fails on a statement whose Principal is "*" (as every TLS-only policy has) and compares resources as
    text. Source: S3 User Guide, "Permissions for log delivery": logging.s3.amazonaws.com needs s3:PutObject.
    """
    if not target_bucket.policy:
        return False
    key = f"arn:aws:s3:::{target_bucket.name}/{target_prefix or ''}log"
    account = target_bucket.account_id
    keys = {"aws:SourceAccount": account, "aws:SecureTransport": "true"}
    context = RequestContext(f"arn:aws:iam::{account}:service", "s3:PutObject", key, keys)
    statements = [_without_source(s) for s in as_list(json.loads(target_bucket.policy).get("Statement"))]
    policy = compiled({"Version": "2012-10-17", "Statement": statements})
    return any(statement.applies_to(context, DIRECT_KINDS, _LOG_DELIVERY) for statement in policy.allows)


def _without_source(statement: dict[str, Any]) -> dict[str, Any]:
    # Which bucket's logs will be delivered is not known here; the statement's aws:SourceArn cannot be judged.
    conditions = {
        operator: {k: v for k, v in wanted.items() if k.lower() != "aws:sourcearn"}
        for operator, wanted in (statement.get("Condition") or {}).items()
    }
    return {**statement, "Condition": conditions}


def replace_metric_filter(
    filters: Any, filter_name: str, filter_pattern: str, log_group_name: str, metric_transformations: Any
) -> None:
    """Put a metric filter in the place of the one of its name (API reference, PutMetricFilter).

    moto 5.2.5 keeps both.
    """
    filters.delete_filter(filter_name, log_group_name)
    _metric_filters[0](filters, filter_name, filter_pattern, log_group_name, metric_transformations)
