"""Pages in a real browser: headless Chromium, spoken to in its DevTools protocol over a pipe, without any library."""

from __future__ import annotations

import base64
import fcntl
import json
import os
import shutil
import signal
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome")
OPTIONS = ["--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--no-first-run", "--disable-extensions",
           "--disable-background-networking", "--disable-dev-shm-usage", "--remote-debugging-pipe"]  # fmt: skip
PATIENCE = 60  # seconds that a page may take
STILL = """new Promise((done) => {
  let place = scrollY, frames = 0;
  const look = () => {
    frames = scrollY === place ? frames + 1 : 0;
    place = scrollY;
    frames < 12 ? requestAnimationFrame(look) : done(true);
  };
  look();
})"""  # what a wheel scrolls goes on moving for some frames
LETTER = (8.27, 11.69)  # inches of a sheet of A4


class Browser:
    """One Chromium; its pages are opened one after the other."""

    def __init__(self, executable: str, profile: str) -> None:
        to_read, self._write = map(_high, os.pipe())
        self._read, to_write = map(_high, os.pipe())
        options = [executable, *OPTIONS, f"--user-data-dir={profile}", "about:blank"]
        ends = [(os.POSIX_SPAWN_DUP2, to_read, 3), (os.POSIX_SPAWN_DUP2, to_write, 4)]
        silent = [(os.POSIX_SPAWN_OPEN, number, os.devnull, os.O_WRONLY, 0) for number in (1, 2)]
        self._pid = os.posix_spawn(executable, options, os.environ, file_actions=[*ends, *silent])
        os.close(to_read)
        os.close(to_write)
        os.set_blocking(self._read, False)
        self._number, self._rest, self.events = 0, b"", []

    def send(self, method: str, session: str | None = None, **params: object) -> dict:
        """A command, and what comes of it."""
        self._number += 1
        message = {"id": self._number, "method": method, "params": params} | ({"sessionId": session} if session else {})
        os.write(self._write, json.dumps(message).encode() + b"\0")
        for answer in self._messages():
            if answer.get("id") == self._number:
                if "error" in answer:
                    raise RuntimeError(f"{method}: {answer['error']['message']}")
                return answer["result"]
            self.events.append(answer)
        raise RuntimeError(f"{method}: no answer")

    def wait(self, event: str) -> None:
        """Until something has happened."""
        if not any(known.get("method") == event for known in self.events):
            for message in self._messages():
                self.events.append(message)
                if message.get("method") == event:
                    return

    def _messages(self) -> Iterator[dict]:
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            message, found, rest = self._rest.partition(b"\0")
            if found:
                self._rest = rest
                yield json.loads(message)
                continue
            try:
                more = os.read(self._read, 1 << 20)
            except BlockingIOError:
                time.sleep(0.005)
                continue
            if not more:
                raise RuntimeError("the browser has ended")
            self._rest += more
        raise TimeoutError("the browser does not answer")

    def open(self, path: Path, width: int = 1280, height: int = 900, dark: bool = False, phone: bool = False) -> Page:
        """A page in a window of this size; on a phone there are fingers, no mouse."""
        target = self.send("Target.createTarget", url="about:blank")["targetId"]
        page = Page(self, self.send("Target.attachToTarget", targetId=target, flatten=True)["sessionId"])
        for domain in ("Page", "Runtime", "Network", "Log"):
            page.send(f"{domain}.enable")
        page.send("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=phone)
        page.send("Emulation.setTouchEmulationEnabled", enabled=phone)
        page.send("Emulation.setEmulatedMedia",
                  features=[{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}])  # fmt: skip
        self.events.clear()
        page.send("Page.navigate", url=path.resolve().as_uri())
        self.wait("Page.loadEventFired")
        return page

    def close(self) -> None:
        """End it."""
        os.kill(self._pid, signal.SIGTERM)
        os.waitpid(self._pid, 0)
        os.close(self._read)
        os.close(self._write)


def _high(number: int) -> int:
    """The same end of a pipe under a number that is neither 3 nor 4, which the browser's own ends are to have."""
    other = fcntl.fcntl(number, fcntl.F_DUPFD_CLOEXEC, 10)
    os.close(number)
    return other


class Page:
    """A page, with a mouse, a finger and a keyboard."""

    def __init__(self, browser: Browser, session: str) -> None:
        self._browser, self._session = browser, session

    def send(self, method: str, **params: object) -> dict:
        """A command of the DevTools protocol."""
        return self._browser.send(method, self._session, **params)

    def value(self, expression: str) -> object:
        """What JavaScript says."""
        done = self.send("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in done, done["exceptionDetails"]
        return done["result"].get("value")

    def mouse(self, kind: str, x: float, y: float, **more: object) -> None:
        """``mouseMoved``, ``mousePressed``, ``mouseReleased``, ``mouseWheel`` at a place of the window."""
        self.send("Input.dispatchMouseEvent", type=kind, x=x, y=y, **more)
        if kind == "mouseWheel":
            self.value(STILL)

    def click(self, x: float, y: float) -> None:
        """The left button, down and up."""
        self.mouse("mouseMoved", x, y)
        for kind in ("mousePressed", "mouseReleased"):
            self.mouse(kind, x, y, button="left", buttons=1, clickCount=1)

    def tap(self, x: float, y: float) -> None:
        """A finger, down and up."""
        self.send("Input.dispatchTouchEvent", type="touchStart", touchPoints=[{"x": x, "y": y}])
        self.send("Input.dispatchTouchEvent", type="touchEnd", touchPoints=[])

    def pinch(self, x: float, y: float, wide: float, wider: float) -> None:
        """Two fingers beside each other, so many pixels apart, then so many."""
        for kind, apart in (("touchStart", wide), ("touchMove", (wide + wider) / 2), ("touchMove", wider)):
            fingers = [{"x": x + side * apart / 2, "y": y, "id": number} for number, side in enumerate((-1, 1))]
            self.send("Input.dispatchTouchEvent", type=kind, touchPoints=fingers)
        self.send("Input.dispatchTouchEvent", type="touchEnd", touchPoints=[])

    def key(self, name: str, text: str = "") -> None:
        """A key, down and up; ``text`` is what it types."""
        self.send("Input.dispatchKeyEvent", type="keyDown", key=name, text=text)
        self.send("Input.dispatchKeyEvent", type="keyUp", key=name)

    def type(self, text: str) -> None:
        """Into what has the focus."""
        self.send("Input.insertText", text=text)

    def picture(self, path: Path, whole: bool = False) -> Path:
        """A PNG of the window, or of the whole page."""
        taken = self.send("Page.captureScreenshot", format="png", captureBeyondViewport=whole)
        path.write_bytes(base64.b64decode(taken["data"]))
        return path

    def pdf(self) -> bytes:
        """The page on sheets of A4."""
        printed = self.send("Page.printToPDF", printBackground=False, paperWidth=LETTER[0], paperHeight=LETTER[1])
        return base64.b64decode(printed["data"])

    @property
    def faults(self) -> list[str]:
        """Exceptions, messages of the console, and addresses that were asked for beside the page itself."""
        found = []
        for event in self._browser.events:
            method, params = event.get("method"), event.get("params", {})
            if method in ("Runtime.exceptionThrown", "Log.entryAdded", "Runtime.consoleAPICalled"):
                found.append(json.dumps(params)[:500])
            elif method == "Network.requestWillBeSent" and params["type"] != "Document":
                found.append(params["request"]["url"][:200])
        return found


@contextmanager
def chromium() -> Iterator[Browser]:
    """A browser; the test is skipped where there is none."""
    executable = next(filter(None, map(shutil.which, BROWSERS)), None)
    if executable is None:
        pytest.skip(f"no browser: none of {', '.join(BROWSERS)} is installed")
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        browser = Browser(executable, profile)
        try:
            yield browser
        finally:
            browser.close()
