"""Headless Chromium over its DevTools pipe: what it shows, what it complains of, and where things are on the page.

Protocol: chromedevtools.github.io/devtools-protocol, with `--remote-debugging-pipe` (JSON between NUL bytes on file
descriptors 3 and 4), so that no port is opened.
"""

from __future__ import annotations

import base64
import json
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

BINARY = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
PATIENCE = 120.0  # seconds after which a browser that hangs is ended, so that the test fails instead of waiting
_FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
    "--remote-debugging-pipe",
)

# Chromium reads commands from descriptor 3 and writes to 4.
_LAUNCHER = (
    "import os, sys; os.dup2(int(sys.argv[1]), 3); os.dup2(int(sys.argv[2]), 4); os.execv(sys.argv[3], sys.argv[3:])"
)


@dataclass
class Page:
    """One open page of one browser."""

    commands: int
    answers: Iterator[dict[str, Any]]
    session: str = ""
    complaints: list[str] = field(default_factory=list)
    _number: int = 0

    def command(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Send a command and return its result; events that come before it are noted."""
        self._number += 1
        message = {"id": self._number, "method": method, "params": parameters}
        os.write(
            self.commands, json.dumps(message | ({"sessionId": self.session} if self.session else {})).encode() + b"\0"
        )
        return self._until(lambda answer: answer.get("id") == self._number).get("result", {})

    def show(self, path: Path, *, width: int = 1000, **media: str) -> None:
        """Load a file at this width, with media features such as prefers_color_scheme="dark"."""
        features = [{"name": name.replace("_", "-"), "value": value} for name, value in media.items()]
        self.command("Emulation.setEmulatedMedia", features=features)
        self.command("Emulation.setDeviceMetricsOverride", width=width, height=900, deviceScaleFactor=1, mobile=False)
        self.command("Page.navigate", url=path.as_uri())
        self._until(lambda answer: answer.get("method") == "Page.loadEventFired")

    def evaluate(self, expression: str) -> Any:
        """Return what a JavaScript expression is on the page, as JSON."""
        return self.command("Runtime.evaluate", expression=expression, returnByValue=True)["result"].get("value")

    def screenshot(self, box: dict[str, float]) -> bytes:
        """Return a part of the page, {"x", "y", "width", "height"} in pixels, as PNG at half its size."""
        clip = {**box, "scale": 0.5}
        taken = self.command("Page.captureScreenshot", format="png", clip=clip, captureBeyondViewport=True)
        return base64.b64decode(taken["data"])

    def pdf(self) -> bytes:
        """Return the page as it is printed on A4."""
        return base64.b64decode(self.command("Page.printToPDF", preferCSSPageSize=True)["data"])

    def _until(self, wanted: Any) -> dict[str, Any]:
        for answer in self.answers:
            self._note(answer)
            if wanted(answer):
                assert "error" not in answer, answer
                return answer
        raise AssertionError("Chromium ended before it answered.")

    def _note(self, event: dict[str, Any]) -> None:
        method, about = event.get("method"), event.get("params", {})
        if method == "Log.entryAdded" and about["entry"]["level"] in {"warning", "error"}:
            self.complaints.append(about["entry"]["text"])
        if method in {"Runtime.exceptionThrown", "Runtime.consoleAPICalled"}:
            self.complaints.append(json.dumps(about))


@contextmanager
def browser(profile: Path) -> Iterator[Page]:
    """Start Chromium with a new profile, open a page, and end it."""
    assert BINARY is not None
    (to_read, commands), (answers, to_write) = os.pipe(), os.pipe()
    launch = [sys.executable, "-c", _LAUNCHER, str(to_read), str(to_write), BINARY]
    start = [*launch, *_FLAGS, f"--user-data-dir={profile}"]
    with subprocess.Popen(start, pass_fds=(to_read, to_write), stderr=subprocess.DEVNULL) as process:
        os.close(to_read)
        os.close(to_write)
        watchdog = threading.Timer(PATIENCE, process.kill)
        watchdog.start()
        try:
            yield _opened(Page(commands, _messages(answers)))
        finally:
            watchdog.cancel()
            process.terminate()
            os.close(commands)
            os.close(answers)


def _opened(page: Page) -> Page:
    target = page.command("Target.createTarget", url="about:blank")["targetId"]
    page.session = page.command("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
    for domain in ("Page", "Runtime", "Log"):
        page.command(f"{domain}.enable")
    return page


def _messages(answers: int) -> Iterator[dict[str, Any]]:
    held = b""
    while chunk := os.read(answers, 1 << 16):
        *whole, held = (held + chunk).split(b"\0")
        yield from map(json.loads, whole)
