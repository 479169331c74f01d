"""Starts a variant's model server again when its process dies, as SageMaker replaces a container that does.

The endpoint stays InService; invocations fail as long as nobody answers.

Assumption: AWS does not document how long it waits; the twin tries at once, then after 1, 2, 4 … 30 seconds.
"""

from __future__ import annotations

import threading
import traceback
from collections.abc import Callable
from dataclasses import dataclass

from lockgate_twin.errors import TwinError
from lockgate_twin.services.sagemaker.fleet import Fleet, FleetStarter, Variant

LONGEST_PAUSE_SECONDS = 30.0


@dataclass(frozen=True, kw_only=True)
class FleetWatch:
    """Watches fleets, one thread for each variant; `revived` is told of every variant that serves again."""

    starter: FleetStarter
    revived: Callable[[Fleet, Variant], None]

    def watch(self, endpoint: str, fleet: Fleet) -> None:
        """Watch every variant of a fleet until it is drained or stopped."""
        for variant in fleet.variants:
            name = f"watch {endpoint}/{variant.name}"
            args = (endpoint, fleet, variant)
            threading.Thread(target=self._keep_alive, name=name, args=args, daemon=True).start()

    def _keep_alive(self, endpoint: str, fleet: Fleet, variant: Variant) -> None:
        pause = 0.0
        while True:
            code = variant.server.wait_ended()
            if fleet.ended.wait(pause):
                return
            variant.note(f"the model server ended with code {code}; it is started again")
            try:
                variant = self.starter.again(endpoint, fleet, variant)
            except TwinError as error:
                variant.note(f"the model server cannot be started: {error}")
                pause = min(max(1.0, 2 * pause), LONGEST_PAUSE_SECONDS)
                continue
            except Exception:  # noqa: BLE001  # the thread is the last to see it
                traceback.print_exc()
                return
            pause = 0.0
            self.revived(fleet, variant)
