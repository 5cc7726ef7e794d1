"""A real Firefox, told what to do by WebDriver BiDi, with the interface of `browsers.Browser`."""

import base64
import json
import os
import shutil
import subprocess
from pathlib import Path

from browsers import Page

NAMES = ("firefox-esr", "firefox")
_PREFERENCES = {
    "media.navigator.streams.fake": True,  # a camera without a camera
    "media.navigator.permission.disabled": True,
    "network.proxy.type": 0,
    "ui.useOverlayScrollbars": 1,
    "app.update.disabledForTesting": True,
    "datareporting.policy.dataSubmissionEnabled": False,
    "browser.shell.checkDefaultBrowser": False,
    "browser.safebrowsing.downloads.enabled": False,
    "network.captive-portal-service.enabled": False,
    "network.connectivity-service.enabled": False,
    "services.settings.server": "data:,#remote-settings-dummy/v1",
    "extensions.getAddons.cache.enabled": False,
}


def find_firefox():
    return next((found for name in NAMES if (found := shutil.which(name))), None)


class Firefox(Page):
    """One page in a browser of its own, without a window."""

    def __init__(self, folder, *, size=(1100, 900)):
        super().__init__()
        self.folder = Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        lines = [f'user_pref("{name}", {json.dumps(value)});\n' for name, value in _PREFERENCES.items()]
        (self.folder / "user.js").write_text("".join(lines))
        self.process = subprocess.Popen(
            [find_firefox(), "--headless", "--no-remote", "--profile", str(folder), "--remote-debugging-port=0",
             f"--width={size[0]}", f"--height={size[1]}", "about:blank"],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            env={**os.environ, "no_proxy": "127.0.0.1", "HOME": str(folder), "MOZ_CRASHREPORTER_DISABLE": "1"},
        )  # fmt: skip
        port = self.wait_for(self._read_port, 120)
        self.connect(f"ws://127.0.0.1:{port}/session", ping_interval=None)
        self.call("session.new", capabilities={})
        self.context = self.call("browsingContext.getTree")["contexts"][0]["context"]
        self.call("session.subscribe", events=["network.beforeRequestSent", "log.entryAdded"])

    def _read_port(self):
        try:
            return json.loads((self.folder / "WebDriverBiDiServer.json").read_text())["ws_port"]
        except (OSError, ValueError, KeyError):
            return None

    def hear(self, event, about):
        if event == "network.beforeRequestSent":
            self.requests.append((about["request"]["method"], about["request"]["url"]))
        elif event == "log.entryAdded" and about["level"] == "error":
            self.problems.append(about["text"])

    def call(self, method, **parameters):
        answer = self.ask(method, parameters)
        assert answer["type"] == "success", answer
        return answer["result"]

    def evaluate(self, code):
        """Did an expression, awaited, come to a value, and which? It comes as JSON: BiDi has other words for values."""
        answer = self.call(
            "script.evaluate", target={"context": self.context}, awaitPromise=True,
            expression=f"Promise.resolve({code.rstrip('; ')}).then((value) => JSON.stringify(value))",
        )  # fmt: skip
        if answer["type"] == "exception":
            return False, answer["exceptionDetails"]
        value = answer["result"].get("value")
        return True, None if value is None else json.loads(value)

    def go(self, url):
        self.call("browsingContext.navigate", context=self.context, url=url, wait="none")

    def choose_files(self, *files):
        locator = {"type": "css", "value": "#files"}
        found = self.call("browsingContext.locateNodes", context=self.context, locator=locator)
        element = {"sharedId": found["nodes"][0]["sharedId"]}
        self.call("input.setFiles", context=self.context, element=element, files=[str(file) for file in files])

    def press(self, key):
        codes = {"Tab": "\ue004"}
        strokes = [{"type": kind, "value": codes[key]} for kind in ("keyDown", "keyUp")]
        actions = [{"type": "key", "id": "keys", "actions": strokes}]
        self.call("input.performActions", context=self.context, actions=actions)

    def resize(self, width, height, scale=1):
        viewport = {"width": width, "height": height}
        self.call("browsingContext.setViewport", context=self.context, viewport=viewport, devicePixelRatio=scale)

    def resize_back(self):
        self.call("browsingContext.setViewport", context=self.context, viewport=None, devicePixelRatio=None)

    def picture(self, path):
        data = self.call("browsingContext.captureScreenshot", context=self.context, origin="document")["data"]
        Path(path).write_bytes(base64.b64decode(data))

    def close(self):
        self.process.terminate()
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
