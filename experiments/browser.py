"""A page in headless Chromium: what it asks for, what it complains of, how it looks.

Chromium is driven through a pair of pipes (`--remote-debugging-pipe`), so that no other package is needed.
"""

from __future__ import annotations

import base64
import io
import json
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from PIL import Image

from dataset_fingerprints.errors import AutosegError

PROGRAMS = ("chromium", "chromium-browser", "google-chrome")
_FLAGS = ("--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run", "--remote-debugging-pipe")
# Pipes that the browser expects: it reads from the first and writes into the second.
_START = 'exec "$@" 3<&"$AUTOSEG_READ" 4>&"$AUTOSEG_WRITE"'
_SECONDS = 60.0
# Until a page has done what a press begins.
_SETTLED_MS = 1500


class BrowserError(AutosegError):
    """The browser is not there, or does not do what it is asked."""


def find_browser() -> str | None:
    """Return the path of a Chromium; None where none is installed."""
    return next((path for path in map(shutil.which, PROGRAMS) if path), None)


@dataclass(kw_only=True, slots=True)
class Tab:
    """An open page.

    Attributes:
        requests: addresses that it asked for, its own first; what is part of the page is none.
        complaints: errors and warnings of its console, and exceptions.
    """

    requests: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)
    loaded: bool = False
    browser: Browser
    session: str

    def call(self, method: str, **arguments: Any) -> Mapping[str, Any]:
        """Ask the page for something."""
        return self.browser.call(method, arguments, self.session)

    def open(self, page: Path, width: int, height: int = 900, *, dark: bool = False) -> None:
        """Load a file and wait until it is there."""
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(f"{domain}.enable")
        self.resize(width, height)
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.call("Emulation.setEmulatedMedia", features=[scheme])
        self.loaded = False
        self.call("Page.navigate", url=page.absolute().as_uri())
        self.browser.wait(lambda: self.loaded)

    def resize(self, width: int, height: int = 900) -> None:
        """Give the page another size, in pixels."""
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)

    def run(self, script: str) -> Any:
        """Run a script in the page, wait for its promise, and return its value."""
        answer = self.call("Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True)
        if "exceptionDetails" in answer:
            raise BrowserError(f"{script}: {answer['exceptionDetails']}")
        return answer["result"].get("value")

    def photograph(self) -> bytes:
        """Return what is seen as PNG."""
        return base64.b64decode(self.call("Page.captureScreenshot", format="png")["data"])

    def take(self, event: Mapping[str, Any]) -> None:
        """Take what the browser reports of the page."""
        method, told = event["method"], event.get("params", {})
        if method == "Network.requestWillBeSent" and not told["request"]["url"].startswith("data:"):
            self.requests.append(told["request"]["url"])
        elif method == "Page.loadEventFired":
            self.loaded = True
        elif method == "Log.entryAdded" and told["entry"]["level"] in ("error", "warning"):
            self.complaints.append(told["entry"]["text"])
        elif method == "Runtime.exceptionThrown":
            self.complaints.append(json.dumps(told["exceptionDetails"]))
        elif method == "Runtime.consoleAPICalled" and told["type"] in ("error", "warning", "assert"):
            self.complaints.append(json.dumps(told["args"]))


class Browser:
    """A running Chromium; used in a `with`, at whose end it is gone."""

    def __init__(self, program: str) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="autoseg-browser-", ignore_cleanup_errors=True)
        read, self._to = os.pipe()
        self._from, write = os.pipe()
        os.set_blocking(self._from, False)
        command = ("bash", "-c", _START, "bash", program, *_FLAGS, f"--user-data-dir={self._folder.name}")
        environment = os.environ | {"AUTOSEG_READ": str(read), "AUTOSEG_WRITE": str(write)}
        quiet: Any = subprocess.DEVNULL
        self._process = subprocess.Popen(
            command, pass_fds=(read, write), env=environment, stdin=quiet, stdout=quiet, stderr=quiet
        )
        os.close(read)
        os.close(write)
        self._left, self._number, self._answers = b"", 0, dict[int, Mapping[str, Any]]()
        self._tabs: dict[str, Tab] = {}

    def __enter__(self) -> Self:
        """Return the browser itself."""
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """End the browser."""
        os.close(self._to)
        os.close(self._from)
        self._process.terminate()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._folder.cleanup()

    def new_tab(self) -> Tab:
        """Return an empty page."""
        target = self.call("Target.createTarget", {"url": "about:blank"})["targetId"]
        session = self.call("Target.attachToTarget", {"targetId": target, "flatten": True})["sessionId"]
        self._tabs[session] = Tab(browser=self, session=session)
        return self._tabs[session]

    def call(self, method: str, arguments: Mapping[str, Any], session: str = "") -> Mapping[str, Any]:
        """Ask the browser for something and return its answer.

        Raises:
            BrowserError: it refuses, or does not answer.
        """
        self._number += 1
        number = self._number
        asked = {"id": number, "method": method, "params": arguments} | ({"sessionId": session} if session else {})
        os.write(self._to, json.dumps(asked).encode() + b"\0")
        self.wait(lambda: number in self._answers)
        answer = self._answers.pop(number)
        if "error" in answer:
            raise BrowserError(f"{method}: {answer['error']}")
        result: Mapping[str, Any] = answer["result"]
        return result

    def wait(self, is_done: Callable[[], bool]) -> None:
        """Take what the browser reports until something is done.

        Raises:
            BrowserError: it is not for a minute, or the browser ended.
        """
        end = time.monotonic() + _SECONDS
        while not is_done():
            if time.monotonic() > end or self._process.poll() is not None:
                raise BrowserError(f"{PROGRAMS[0]}: ended, or did not answer within {_SECONDS:.0f} s.")
            for told in self._read():
                self._take(told)

    def _take(self, told: Mapping[str, Any]) -> None:
        if "id" in told:
            self._answers[told["id"]] = told
        elif told.get("sessionId") in self._tabs:
            self._tabs[told["sessionId"]].take(told)

    def _read(self) -> Iterator[Mapping[str, Any]]:
        try:
            self._left += os.read(self._from, 1 << 20)
        except BlockingIOError:
            time.sleep(0.01)
        *whole, self._left = self._left.split(b"\0")
        yield from map(json.loads, whole)


@contextmanager
def open_page(page: Path, width: int, height: int = 900, *, dark: bool = False) -> Iterator[Tab]:
    """Give a page as it looks in a window of so many pixels.

    Raises:
        BrowserError: no Chromium is installed, or it does not answer.
    """
    program = find_browser()
    if program is None:
        raise BrowserError(f"No browser is installed ({', '.join(PROGRAMS)}). Install one: apt-get install chromium.")
    with Browser(program) as browser:
        tab = browser.new_tab()
        tab.open(page, width, height, dark=dark)
        yield tab


def photograph(page: Path, out: Path, size: tuple[int, int], at: str = "", pressed: str = "") -> None:
    """Write how a page looks in a window, as PNG in a palette that keeps rare colours, in a third of the bytes.

    Args:
        page: the file.
        out: the picture.
        size: of the window in pixels.
        at: a selector of the element that is at the top; empty for the page's beginning.
        pressed: a selector of an element that is pressed before; empty for none.

    Raises:
        BrowserError: no Chromium is installed, or it does not answer, or there is no such element.
    """
    with open_page(page, *size) as tab:
        tab.call("Emulation.setScrollbarsHidden", hidden=True)
        if pressed:
            tab.run(f"document.querySelector({json.dumps(pressed)}).click()")
            tab.run(f"new Promise((done) => setTimeout(done, {_SETTLED_MS}))")
        if at:
            tab.run(f"document.querySelector({json.dumps(at)}).scrollIntoView({{behavior: 'instant'}})")
        with Image.open(io.BytesIO(tab.photograph())) as image:
            small = image.convert("RGB").quantize(256, Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE)
            small.save(out, optimize=True)
