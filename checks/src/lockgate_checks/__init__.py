"""Evidence about a model version, checks that question it, policies that limit it, and the decision they give."""

from lockgate_checks.bundle import Bundle, from_mapping, load_folder
from lockgate_checks.check import Answer, Check, Confidence, Measured, failed, passed, skipped
from lockgate_checks.errors import CheckError, ChecksError, EvidenceError, Mistake, PolicyError, RecordError
from lockgate_checks.evidence import BiasMetric, Metric, ModelQuality, read_bias, read_model_quality
from lockgate_checks.values import (
    Decision,
    Finding,
    Limit,
    Mode,
    Outcome,
    Severity,
    Verdict,
    Waiver,
)

__all__ = [
    "Answer",
    "BiasMetric",
    "Bundle",
    "Check",
    "CheckError",
    "ChecksError",
    "Confidence",
    "Decision",
    "EvidenceError",
    "Finding",
    "Limit",
    "Measured",
    "Metric",
    "Mistake",
    "Mode",
    "ModelQuality",
    "Outcome",
    "PolicyError",
    "RecordError",
    "Severity",
    "Verdict",
    "Waiver",
    "failed",
    "from_mapping",
    "load_folder",
    "passed",
    "read_bias",
    "read_model_quality",
    "skipped",
]
__version__ = "0.1.0"
