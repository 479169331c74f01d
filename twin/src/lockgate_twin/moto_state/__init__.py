"""Makes what moto keeps in memory outlive the process: every change is in a journal before its call is answered.

Small, seldom changed backends are kept whole (`whole`); what changes often is kept item by item: versions of objects
(`versions`), parts of uploads (`uploads`), log events (`log_streams`), messages (`messages`) and metrics (`metrics`).
"""

from __future__ import annotations

from lockgate_twin.moto_state.state import MotoState

__all__ = ["MotoState"]
