"""Evidence about a model version: read strictly, so that what is missing or not a number is never taken for good."""

from lockgate_checks.errors import ChecksError, EvidenceError
from lockgate_checks.evidence import BiasMetric, Metric, ModelQuality, read_bias, read_model_quality

__all__ = [
    "BiasMetric",
    "ChecksError",
    "EvidenceError",
    "Metric",
    "ModelQuality",
    "read_bias",
    "read_model_quality",
]
__version__ = "0.1.0"
