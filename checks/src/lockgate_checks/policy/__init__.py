"""Policies: reviewed files that say which checks run, what their numbers may be, and who excepted what until when."""

from lockgate_checks.policy.digest import policy_digest, policy_document
from lockgate_checks.policy.load import load_policy, parse_policy, shipped_policy
from lockgate_checks.policy.model import FirstVersion, Policy, Recompute, Threshold, Unsure

__all__ = [
    "FirstVersion",
    "Policy",
    "Recompute",
    "Threshold",
    "Unsure",
    "load_policy",
    "parse_policy",
    "policy_digest",
    "policy_document",
    "shipped_policy",
]
