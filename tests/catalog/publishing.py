"""Publishing into a fake account without waiting."""

from __future__ import annotations

import io

from rich.console import Console

from catalog.display import Display
from catalog.polling import Polling
from catalog.publish import publish, show_plan
from catalog.sources import Sources
from tests.catalog.fake_account import FakeAccount
from tests.catalog.sources_for_tests import SOURCES

AT_ONCE = Polling(sleep=lambda _: None)


def run(account: FakeAccount, sources: Sources = SOURCES, *, only_plan: bool = False) -> str:
    """Publish (or plan to) and return what was printed."""
    printed = io.StringIO()
    display = Display(Console(file=printed, width=200), clock=lambda: 0.0)
    if only_plan:
        show_plan(sources, account.clients, display)
    else:
        publish(sources, account.clients, display, AT_ONCE)
    return printed.getvalue()
