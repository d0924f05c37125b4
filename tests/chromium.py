"""A headless Chromium for tests, driven through its DevTools pipe, so that neither a port nor a driver is needed.

The pipe carries JSON messages, each followed by a NUL byte (https://chromedevtools.github.io/devtools-protocol/).
"""

import base64
import json
import os
import select
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

__all__ = ["Browser", "find", "launch"]

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
PATIENCE = 60.0  # seconds to wait for an answer; a cold start on a busy machine takes ten
KEYS = {"ArrowLeft": 37, "ArrowRight": 39, "Tab": 9, "Enter": 13, " ": 32}
FLAGS = (
    "--headless=new",
    "--remote-debugging-pipe",
    "--no-sandbox",  # the tests may run as root in a container; the pages are our own
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--no-default-browser-check",
)
# Chromium expects its ends of the two pipes at file descriptors 3 and 4, which `subprocess` may use until it has
# started the program. So this script moves them there, and then becomes Chromium.
MOVE = """
import os, sys
for place, end in enumerate(map(int, sys.argv[1:3]), start=3):
    os.dup2(end, place)
    os.close(end)
os.execv(sys.argv[3], sys.argv[3:])
"""
# Return the centre of an element once it has kept its place for three frames: the page may still scroll or grow.
REST = """(async () => {
    const node = document.querySelector(%s);
    const place = () => {
        const box = node.getBoundingClientRect();
        return [box.x + box.width / 2, box.y + box.height / 2];
    };
    let before, now = [NaN, NaN], still = 0;
    while (still < 3) {
        node.scrollIntoView({block: 'center', behavior: 'instant'});
        await new Promise(requestAnimationFrame);
        [before, now] = [now, place()];
        still = before.every((value, axis) => Math.abs(value - now[axis]) < 0.5) ? still + 1 : 0;
    }
    return now;
})()"""


def find() -> str | None:
    """Return the path of an installed Chromium, or None."""
    if os.name == "nt":  # `select` does not work on pipes there
        return None
    return next((path for name in NAMES if (path := shutil.which(name))), None)


class Browser:
    """One page, with the requests and messages since it was opened.

    Attributes
    ----------
    requests : list of str
        Requested addresses, without ``data:`` addresses.
    messages : list of str
        Lines of the console and of the browser's log, and uncaught exceptions.
    """

    def __init__(self, reader: int, writer: int) -> None:
        self._reader, self._writer = reader, writer
        self._buffer, self._id, self._session = b"", 0, None
        self._loaded = False
        self.requests: list[str] = []
        self.messages: list[str] = []
        target = self._call("Target.createTarget", url="about:blank")["targetId"]
        self._session = self._call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self._call(f"{domain}.enable")

    def open(self, path: Path, *, width: int = 1280, dark: bool = False, scripts: bool = True) -> None:
        """Open a file in a window of the given width in pixels, and wait until it has loaded."""
        self._call(
            "Emulation.setDeviceMetricsOverride", width=width, height=800, deviceScaleFactor=1, mobile=width < 500
        )
        self.prefer("prefers-color-scheme", "dark" if dark else "light")
        self._call("Emulation.setScriptExecutionDisabled", value=not scripts)
        self._loaded = False
        self.requests, self.messages = [], []
        self._call("Page.navigate", url=path.as_uri())
        self._pump(lambda: self._loaded)
        self.messages = [text for text in self.messages if "about:blank" not in text]

    def prefer(self, feature: str, value: str, media: str = "") -> None:
        """Set a media feature, such as ``prefers-color-scheme``, or the medium, such as ``print``."""
        self._call("Emulation.setEmulatedMedia", media=media, features=[{"name": feature, "value": value}])

    def ask(self, expression: str) -> Any:
        """Return the value of a JavaScript expression in the page; a promise is awaited."""
        found = self._call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in found:
            raise AssertionError(found["exceptionDetails"]["exception"].get("description"))
        return found["result"].get("value")

    def press(self, key: str) -> None:
        """Press and release a key; the focused element receives it."""
        code = KEYS.get(key) or ord(key.upper())
        text = {"text": {"Enter": "\r"}.get(key, key)} if len(key) == 1 or key == "Enter" else {}
        self._call("Input.dispatchKeyEvent", type="keyDown", key=key, windowsVirtualKeyCode=code, **text)
        self._call("Input.dispatchKeyEvent", type="keyUp", key=key, windowsVirtualKeyCode=code)

    def click(self, selector: str) -> None:
        """Click the middle of an element, once the element has stopped moving."""
        x, y = self.ask(REST % json.dumps(selector))
        for kind in ("mousePressed", "mouseReleased"):
            self._call("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=1)

    def picture(self) -> bytes:
        """Return the whole page as a PNG file."""
        size = self._call("Page.getLayoutMetrics")["cssContentSize"]
        clip = {"x": 0, "y": 0, "width": size["width"], "height": size["height"], "scale": 1}
        return base64.b64decode(self._call("Page.captureScreenshot", captureBeyondViewport=True, clip=clip)["data"])

    def accessibility(self) -> list[dict[str, Any]]:
        """Return the nodes that a screen reader sees."""
        nodes: list[dict[str, Any]] = self._call("Accessibility.getFullAXTree")["nodes"]
        return [node for node in nodes if not node["ignored"]]

    def _call(self, method: str, **parameters: Any) -> dict[str, Any]:
        self._id += 1
        message: dict[str, Any] = {"id": self._id, "method": method, "params": parameters}
        if self._session:
            message["sessionId"] = self._session
        rest = json.dumps(message).encode() + b"\0"
        while rest:
            rest = rest[os.write(self._writer, rest) :]
        answers: list[dict[str, Any]] = []
        self._pump(lambda: bool(answers), answers)
        if "error" in answers[0]:
            raise AssertionError(f"{method}: {answers[0]['error']['message']}")
        result: dict[str, Any] = answers[0]["result"]
        return result

    def _pump(self, done: Any, answers: list[dict[str, Any]] | None = None) -> None:
        """Read messages until `done()` is true."""
        deadline = time.monotonic() + PATIENCE
        while not done():
            ready, _, _ = select.select([self._reader], [], [], max(0.0, deadline - time.monotonic()))
            chunk = os.read(self._reader, 1 << 16) if ready else b""
            if not chunk:
                raise AssertionError(
                    "Chromium has closed the pipe." if ready else f"No answer in {PATIENCE:g} seconds."
                )
            *whole, self._buffer = (self._buffer + chunk).split(b"\0")
            for message in map(json.loads, whole):
                if message.get("id") == self._id and answers is not None:
                    answers.append(message)
                elif "method" in message:
                    self._note(message["method"], message["params"])

    def _note(self, event: str, about: dict[str, Any]) -> None:
        if event == "Page.loadEventFired":
            self._loaded = True
        elif event == "Network.requestWillBeSent" and not about["request"]["url"].startswith("data:"):
            self.requests.append(about["request"]["url"])
        elif event == "Runtime.consoleAPICalled":
            self.messages.append(str([argument.get("value") for argument in about["args"]]))
        elif event == "Log.entryAdded":
            self.messages.append(f"{about['entry']['text']} {about['entry'].get('url', '')}")
        elif event == "Runtime.exceptionThrown":
            self.messages.append(str(about["exceptionDetails"]))


@contextmanager
def launch(executable: str, profile: Path) -> Iterator[Browser]:
    """Start Chromium with its own profile directory, and stop it afterwards."""
    import fcntl

    (to_read, to_browser), (from_browser, to_write) = os.pipe(), os.pipe()
    # Not 3 or 4: MOVE copies these descriptors there.
    theirs = [fcntl.fcntl(end, fcntl.F_DUPFD, 20) for end in (to_read, to_write)]
    for end in (to_read, to_write):
        os.close(end)
    process = subprocess.Popen(  # noqa: S603
        [sys.executable, "-I", "-S", "-c", MOVE, *map(str, theirs), executable, *FLAGS, f"--user-data-dir={profile}"],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        pass_fds=theirs,
        start_new_session=True,
    )
    for end in theirs:
        os.close(end)
    try:
        yield Browser(from_browser, to_browser)
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        for end in (from_browser, to_browser):
            os.close(end)
