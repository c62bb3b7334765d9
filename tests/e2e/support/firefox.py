"""Firefox, remote-controlled; what it sends is painted and played in the page (its fake devices cannot be told)."""

import os
import shutil
import subprocess
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Any

from tests.e2e.support.browser import CLIENT_JS, BrowserPeer
from tests.e2e.support.marionette import Marionette, MarionetteError
from tests.e2e.support.ports import free_port
from tests.e2e.support.soundcard import SoundCard
from tests.e2e.support.waiting import wait_for

_PREFERENCES = {
    "media.navigator.streams.fake": True,
    "media.navigator.permission.disabled": True,
    "media.autoplay.default": 0,
    "media.autoplay.blocking_policy": 0,
    "media.peerconnection.ice.obfuscate_host_addresses": False,
    "media.peerconnection.ice.loopback": True,
    "devtools.jsonview.enabled": False,
    "security.csp.enable": False,
    "browser.shell.checkDefaultBrowser": False,
    "datareporting.policy.dataSubmissionEnabled": False,
    "toolkit.telemetry.reportingpolicy.firstRun": False,
    "app.update.disabledForTesting": True,
}
_CALL = """
const [name, args, done] = arguments;
(async () => window.peer[name](...args))().then((value) => done({value}), (error) => done({error: String(error)}));
"""
_INJECT = """
const script = document.createElement("script");
script.textContent = arguments[0];
document.documentElement.append(script);
"""
_SCRIPT_TIMEOUT_S = 90


class Firefox(BrowserPeer):
    """One headless browser with a fresh profile."""

    def __init__(self) -> None:
        path = shutil.which("firefox-esr")
        assert path, "no Firefox here: apt-get install firefox-esr"
        self._sound = SoundCard()
        self._profile = Path(tempfile.mkdtemp(prefix="firefox-"))
        port = free_port()
        preferences = _PREFERENCES | {"marionette.port": port}
        lines = [f'user_pref("{name}", {str(value).lower()});' for name, value in preferences.items()]
        (self._profile / "user.js").write_text("\n".join(lines))
        with (self._profile / "log.txt").open("wb") as log:
            self._process = subprocess.Popen(
                [path, "--headless", "--no-remote", "--profile", str(self._profile), "--marionette"],
                env=os.environ | self._sound.environment,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        self._marionette = wait_for(lambda: self._connect(port), timeout_s=60, what="Firefox to answer")
        self._marionette.command("WebDriver:NewSession")
        self._marionette.command("WebDriver:SetTimeouts", script=_SCRIPT_TIMEOUT_S * 1000)

    @staticmethod
    def _connect(port: int) -> Marionette | None:
        with suppress(OSError, MarionetteError):
            return Marionette(port, timeout_s=_SCRIPT_TIMEOUT_S + 10)
        return None

    def open(self, url: str) -> None:
        self._marionette.command("WebDriver:Navigate", url=url)
        self._marionette.command("WebDriver:ExecuteScript", script=_INJECT, args=[CLIENT_JS])

    def call(self, function: str, *args: object, timeout_s: float = 30) -> Any:
        assert timeout_s <= _SCRIPT_TIMEOUT_S
        command = "WebDriver:ExecuteAsyncScript"
        answer = self._marionette.command(command, script=_CALL, args=[function, list(args)])["value"]
        if "error" in answer:
            raise MarionetteError(answer["error"])
        return answer.get("value")

    def close(self) -> None:
        with suppress(MarionetteError, OSError):
            self._marionette.command("Marionette:Quit", flags=["eForceQuit"])
        self._marionette.close()
        try:
            self._process.wait(15)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait(5)
        self._sound.close()
        shutil.rmtree(self._profile, ignore_errors=True)
