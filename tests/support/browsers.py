"""Real browsers without a window, told what to do; their requests are noted. Chromium, by the DevTools protocol."""

import base64
import http.client
import itertools
import json
import os
import shutil
import subprocess
import threading
import time
from pathlib import Path

NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")


def find_browser():
    return next((found for name in NAMES if (found := shutil.which(name))), None)


class Page:
    """A page in some browser, told what to do by JSON over a WebSocket.

    The browser itself says how to `hear` events, `evaluate`, `go`, `choose_files`, `press`, `resize`, `close`.
    """

    def __init__(self):
        self.requests, self.problems = [], []
        self.answers, self.numbers = {}, itertools.count(1)

    def connect(self, address, **options):
        from websockets.sync.client import connect

        self.socket = connect(address, max_size=None, proxy=None, **options).__enter__()
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self):
        try:
            for text in self.socket:
                message = json.loads(text)
                if "id" in message:
                    self.answers[message["id"]] = message
                else:
                    self.hear(message.get("method"), message.get("params", {}))
        except Exception as error:  # the browser has ended
            self.problems.append(repr(error))

    def ask(self, method, parameters):
        """The whole answer."""
        number = next(self.numbers)
        self.socket.send(json.dumps({"id": number, "method": method, "params": parameters}))
        self.wait_for(lambda: number in self.answers, 180)
        return self.answers.pop(number)

    @staticmethod
    def wait_for(condition, seconds=120):
        end = time.monotonic() + seconds
        while not (value := condition()):
            assert time.monotonic() < end, "the browser did not get there"
            time.sleep(0.05)
        return value

    def run(self, code):
        """The value of an expression of the page, awaited."""
        came, value = self.evaluate(code)
        assert came, value
        return value

    def open(self, url, until="document.body?.dataset.ready === 'yes'"):
        self.go(url)
        self.until(until)

    def until(self, code, seconds=240):
        def holds():
            came, value = self.evaluate(code)
            return came and value

        try:
            return self.wait_for(holds, seconds)
        except AssertionError as error:
            said = self.run("document.getElementById('status')?.textContent")
            raise AssertionError(f"{code} did not come true; the page says {said!r}; {self.problems}") from error


class Browser(Page):
    """One page in a browser of its own, without a window."""

    def __init__(self, folder, *, size=(1100, 900), webgpu=False):
        super().__init__()
        self.folder = Path(folder)
        graphics = ["--enable-unsafe-webgpu"] if webgpu else ["--disable-gpu"]
        self.process = subprocess.Popen(
            [find_browser(), "--headless=new", "--no-sandbox", *graphics, "--remote-debugging-port=0",
             f"--user-data-dir={folder}", f"--window-size={size[0]},{size[1]}", "--disable-background-networking",
             "--no-first-run", "--disable-component-update", "--disable-sync", "--hide-scrollbars",
             "--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream", "about:blank"],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env={**os.environ, "no_proxy": "127.0.0.1"},
        )  # fmt: skip
        port = self.wait_for(lambda: self._read_port(), 60)
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        connection.request("GET", "/json/list")
        (target,) = (one for one in json.load(connection.getresponse()) if one["type"] == "page")
        self.connect(target["webSocketDebuggerUrl"])
        for domain in ("Page", "Runtime", "Network", "Log"):
            self.call(f"{domain}.enable")

    def _read_port(self):
        try:
            return int((self.folder / "DevToolsActivePort").read_text().splitlines()[0])
        except (OSError, IndexError, ValueError):
            return None

    def hear(self, event, about):
        if event == "Network.requestWillBeSent":
            self.requests.append((about["request"]["method"], about["request"]["url"]))
        elif event == "Runtime.exceptionThrown":
            self.problems.append(about["exceptionDetails"])
        elif event == "Log.entryAdded" and about["entry"]["level"] == "error":
            self.problems.append(about["entry"])

    def call(self, method, **parameters):
        answer = self.ask(method, parameters)
        assert "error" not in answer, answer
        return answer["result"]

    def evaluate(self, code):
        """Did an expression of the page, awaited, come to a value, and which?"""
        result = self.call("Runtime.evaluate", expression=code, awaitPromise=True, returnByValue=True)
        if "exceptionDetails" in result:
            return False, result["exceptionDetails"]
        return True, result["result"].get("value")

    def go(self, url):
        self.call("Page.navigate", url=url)

    def choose_files(self, *files):
        root = self.call("DOM.getDocument")["root"]["nodeId"]
        node = self.call("DOM.querySelector", nodeId=root, selector="#files")["nodeId"]
        self.call("DOM.setFileInputFiles", nodeId=node, files=[str(file) for file in files])

    def press(self, key):
        for kind in ("keyDown", "keyUp"):
            self.call("Input.dispatchKeyEvent", type=kind, key=key, code=key, windowsVirtualKeyCode={"Tab": 9}[key])

    def resize(self, width, height, scale=1):
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=scale,
                  mobile=width < 600)  # fmt: skip

    def resize_back(self):
        self.call("Emulation.clearDeviceMetricsOverride")

    def picture(self, path):
        data = self.call("Page.captureScreenshot", format="png", captureBeyondViewport=True)["data"]
        Path(path).write_bytes(base64.b64decode(data))

    def close(self):
        try:
            self.call("Browser.close")
            self.process.wait(20)
        except Exception:
            self.process.kill()
            self.process.wait()
