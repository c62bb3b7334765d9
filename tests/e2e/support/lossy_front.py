"""The service from behind a bad line: HTTP as it is, the media of who joins here over an ``ImpairedLine``."""

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx

from tests.e2e.support.impairment import ImpairedLine, Impairment
from tests.e2e.support.waiting import LoopThread

_PASSED_ON = ("Content-Type", "Location")


class LossyFront:
    """Stands before a service; one participant may join through it, with any browser.

    Args:
        url: the service's.
    """

    def __init__(self, url: str) -> None:
        self._service = httpx.Client(base_url=url, timeout=30)
        self._thread = LoopThread("line")
        self._line = ImpairedLine()
        self._thread.run(self._line.open())
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._http_thread = threading.Thread(target=self._http.serve_forever, daemon=True)
        self._http_thread.start()
        self.url = f"http://127.0.0.1:{self._http.server_port}"

    def impair(self, impairment: Impairment) -> None:
        """What becomes of packets from now on."""
        self._thread.loop.call_soon_threadsafe(self._line.impair, impairment)

    @property
    def lost(self) -> int:
        """Packets that the line has lost so far."""
        return self._line.lost

    def close(self) -> None:
        """Close all sockets."""
        self._http.shutdown()
        self._http.server_close()
        self._http_thread.join()
        self._thread.run(self._line.close())
        self._thread.close()
        self._service.close()

    def _pass_on(self, method: str, path: str, headers: dict[str, str], body: str) -> httpx.Response:
        return self._service.request(method, path, headers=headers, content=self._line.without_candidates(body))

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        front = self

        class Handler(BaseHTTPRequestHandler):
            def _answer(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
                headers = {name: self.headers[name] for name in _PASSED_ON if name in self.headers}
                response = front._pass_on(self.command, self.path, headers, body)
                joined = response.status_code == httpx.codes.CREATED
                text = front._line.lead_through(response.text) if joined else response.text
                self.send_response(response.status_code)
                for name in _PASSED_ON:
                    if name in response.headers:
                        self.send_header(name, response.headers[name])
                self.send_header("Content-Length", str(len(text.encode())))
                self.end_headers()
                self.wfile.write(text.encode())

            do_GET = do_POST = do_DELETE = _answer  # noqa: N815 - as the library calls them

            def log_message(self, *_: object) -> None:
                """Nobody reads it."""

        return Handler
