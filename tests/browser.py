"""A headless Chromium for the tests, driven by its DevTools protocol through a pipe.

There is no port, no driver and no library in between, and Chromium reaches nothing but this
machine::

    with browser.chromium() as chromium:
        page = chromium.open("file:///tmp/report.html", width=390)
        assert page.evaluate("document.title") == "..." and page.errors == []
"""

import base64
import contextlib
import fcntl
import itertools
import json
import os
import select
import subprocess
import tempfile
import time
from pathlib import Path

TIMEOUT_S = 60
FLAGS = """
    --headless --remote-debugging-pipe --disable-gpu --disable-dev-shm-usage --no-first-run
    --disable-background-networking --disable-component-update --disable-sync --disable-extensions
    --force-color-profile=srgb --force-device-scale-factor=1 --mute-audio
""".split()
ONLY_HERE = "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost"
KEYS = {  # name: (code of the key, text that it types)
    "ArrowLeft": (37, ""),
    "ArrowUp": (38, ""),
    "ArrowRight": (39, ""),
    "ArrowDown": (40, ""),
    "End": (35, ""),
    "Enter": (13, "\r"),
    "Escape": (27, ""),
    "Home": (36, ""),
    " ": (32, " "),
    "Tab": (9, ""),
}


@contextlib.contextmanager
def chromium():
    """Start a Chromium with a profile of its own; it and the profile end with the context."""
    # What Chromium reads is its descriptor 3, what it writes 4; ours are above both, so that
    # placing one does not overwrite the other.
    ours = [fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, 10) for pair in _pipes() for fd in pair]
    child_in, write_fd, read_fd, child_out = ours
    start = ["bash", "-c", f'exec "$@" 3<&{child_in} 4>&{child_out}', "bash", "chromium"]
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        sandbox = ["--no-sandbox"] if os.geteuid() == 0 else []
        process = subprocess.Popen(
            [*start, *FLAGS, *sandbox, ONLY_HERE, f"--user-data-dir={profile}", "about:blank"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            pass_fds=(child_in, child_out),
        )
        os.close(child_in)
        os.close(child_out)
        try:
            yield Chromium(read_fd, write_fd)
        finally:
            os.close(write_fd)
            os.close(read_fd)
            try:
                process.wait(timeout=5)  # It leaves when its pipe is closed.
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _pipes():
    """Yield two pipes, each closed once its ends were copied."""
    for _ in range(2):
        ends = os.pipe()
        yield ends
        for end in ends:
            os.close(end)


class Chromium:
    """The connection: commands go out, replies and events come in, in the order they happen."""

    def __init__(self, read_fd, write_fd):
        self._read_fd, self._write_fd = read_fd, write_fd
        self._ids = itertools.count(1)
        self._buffer = bytearray()
        self._pages = {}

    def open(self, url, *, width=1200, height=900, scripts=True, media=""):
        """Open a page in a window of its own and return it, loaded, as a `Page`.

        `scripts` False: as where JavaScript is switched off; `media` "print": as printed.
        """
        target = self.send("Target.createTarget", url="about:blank")["targetId"]
        session = self.send("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        page = self._pages[session] = Page(self, session, target)
        for domain in ("Page", "Runtime", "Log", "Network"):
            page.send(f"{domain}.enable")
        page.resize(width, height)
        page.send("Emulation.setScriptExecutionDisabled", value=not scripts)
        page.send("Emulation.setEmulatedMedia", media=media)
        page.load(url)
        return page

    def send(self, method, session=None, **params):
        """Send one command and return its result; raise AssertionError if it is refused."""
        number = next(self._ids)
        message = {"id": number, "method": method, "params": params}
        if session is not None:
            message["sessionId"] = session
        data = json.dumps(message).encode() + b"\0"
        while data:
            data = data[os.write(self._write_fd, data) :]
        deadline = time.monotonic() + TIMEOUT_S
        while True:
            reply = self.receive(deadline)
            assert reply is not None, f"{method}: no reply in {TIMEOUT_S} s"
            if reply.get("id") == number:
                assert "error" not in reply, f"{method}: {reply['error']}"
                return reply["result"]

    def receive(self, deadline):
        """Return the next message, None at the deadline; an event is told to its page first."""
        while b"\0" not in self._buffer:
            left = max(0, deadline - time.monotonic())
            if not select.select([self._read_fd], [], [], left)[0]:
                return None
            data = os.read(self._read_fd, 1 << 16)
            assert data, "Chromium has ended"
            self._buffer += data
        data, _, self._buffer = self._buffer.partition(b"\0")
        message = json.loads(data)
        page = self._pages.get(message.get("sessionId"))
        if page is not None and "method" in message:
            page.note(message["method"], message["params"])
        return message


class Page:
    """One page, and what it has said and asked for since it was opened."""

    def __init__(self, chromium, session, target):
        self._chromium, self._session, self._target = chromium, session, target
        self._is_loaded = False
        self.errors = []  # What the console shows as an error or a warning.
        self.requests = []  # Addresses, web sockets among them; the first is the page itself.

    def send(self, method, **params):
        """Send a command of the DevTools protocol and return its result."""
        return self._chromium.send(method, self._session, **params)

    def note(self, method, params):
        """Keep an event that the tests ask for."""
        if method == "Page.loadEventFired":
            self._is_loaded = True
        elif method == "Runtime.exceptionThrown":
            details = params["exceptionDetails"]
            thrown = details.get("exception", {}).get("description", "")
            self.errors.append(f"{details['text']} {thrown}")
        elif method == "Runtime.consoleAPICalled" and params["type"] in ("error", "warning"):
            words = [str(arg.get("value", arg.get("description"))) for arg in params["args"]]
            self.errors.append(" ".join(words))
        elif method == "Log.entryAdded" and params["entry"]["level"] in ("error", "warning"):
            self.errors.append(params["entry"]["text"])
        elif method == "Network.requestWillBeSent":
            self.requests.append(params["request"]["url"])
        elif method == "Network.webSocketCreated":
            self.requests.append(params["url"])

    def load(self, url):
        """Go to an address, and wait until it is loaded."""
        self._is_loaded = False
        result = self.send("Page.navigate", url=url)
        assert "errorText" not in result, f"{url}: {result['errorText']}"
        deadline = time.monotonic() + TIMEOUT_S
        while not self._is_loaded:
            assert self._chromium.receive(deadline), f"{url}: not loaded in {TIMEOUT_S} s"

    def wait(self, seconds):
        """Let the page run, and note what happens."""
        deadline = time.monotonic() + seconds
        while self._chromium.receive(deadline):
            pass

    def evaluate(self, expression):
        """Return the value of an expression of JavaScript; a promise is waited for."""
        result = self.send(
            "Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True
        )
        assert "exceptionDetails" not in result, f"{expression}: {result['exceptionDetails']}"
        return result["result"].get("value")

    def wait_for(self, expression, timeout_s=TIMEOUT_S):
        """Wait until an expression of JavaScript is true, and return its value."""
        deadline = time.monotonic() + timeout_s
        while not (value := self.evaluate(expression)):
            assert time.monotonic() < deadline, f"{expression}: not within {timeout_s} s"
            self.wait(0.05)
        return value

    def resize(self, width, height=900):
        """Make the window this wide and high, in CSS pixels."""
        self.send(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=False,
        )

    def press(self, key, shift=False):
        """Press and release a key: one of `KEYS`."""
        code, text = KEYS[key]
        common = {"key": key, "windowsVirtualKeyCode": code, "modifiers": 8 if shift else 0}
        self.send("Input.dispatchKeyEvent", type="keyDown", text=text, **common)
        self.send("Input.dispatchKeyEvent", type="keyUp", **common)

    def click(self, selector):
        """Scroll to the first element that matches, and click into its middle."""
        x, y = self._middle(selector)
        for kind in ("mouseMoved", "mousePressed", "mouseReleased"):
            button = "none" if kind == "mouseMoved" else "left"
            self.send("Input.dispatchMouseEvent", type=kind, x=x, y=y, button=button, clickCount=1)

    def hover(self, selector, x_share=0.5, y_share=0.5):
        """Scroll to the first element that matches, and move the pointer over it."""
        x, y = self._middle(selector, x_share, y_share)
        self.send("Input.dispatchMouseEvent", type="mouseMoved", x=x, y=y)

    def _middle(self, selector, x_share=0.5, y_share=0.5):
        box = self.evaluate(
            f"""(() => {{
            const element = document.querySelector({json.dumps(selector)});
            if (!element) return null;
            element.scrollIntoView({{block: "center", behavior: "instant"}});
            const box = element.getBoundingClientRect();
            return [box.x + {x_share} * box.width, box.y + {y_share} * box.height];
        }})()"""
        )
        assert box is not None, f"nothing matches {selector}"
        return box

    def overflow(self):
        """Return by how many pixels the page is wider than its window; 0 where nothing scrolls."""
        root = "document.documentElement"
        return self.evaluate(f"{root}.scrollWidth - {root}.clientWidth")

    def screenshot(self, path, whole=False):
        """Write a PNG of what is in the window, or of the whole page."""
        result = self.send("Page.captureScreenshot", format="png", captureBeyondViewport=whole)
        Path(path).write_bytes(base64.b64decode(result["data"]))

    def close(self):
        """Close the page, as a reader who leaves."""
        self._chromium.send("Target.closeTarget", targetId=self._target)
