"""Production under watch: captured requests and answers, read and measured as the model's own data were."""

from lockgate_checks.watch.captured import Captured, read_captured
from lockgate_checks.watch.watching import PREDICTION, Watched, baseline_with_predictions, watch

__all__ = ["PREDICTION", "Captured", "Watched", "baseline_with_predictions", "read_captured", "watch"]
