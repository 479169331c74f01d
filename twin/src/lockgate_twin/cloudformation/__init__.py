"""AWS CloudFormation: an API client that makes every resource with the caller's or the service role's session.

documents -> template -> blueprint (parameters, conditions) -> admission -> engine -> worker -> resources/<type>
"""

from __future__ import annotations

from lockgate_twin.cloudformation.service import CloudFormation
from lockgate_twin.cloudformation.signals import PREFIX as SIGNALS

__all__ = ["SIGNALS", "CloudFormation"]
