"""A package index of a folder of wheels, on the loopback interface.

with wheel_index(folder, home) as (handler, environ):
    ...  # whatever runs with `environ` takes this index for PyPI; `handler` makes it fail
"""

import hashlib
import os
import threading
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path


class Simple(BaseHTTPRequestHandler):
    """A package index (PEP 503, PEP 658) of wheels; `wrong` names one to tell a wrong hash of."""

    folder: Path
    wrong = ""
    failures = 0

    def do_GET(self) -> None:
        name = self.path.strip("/")
        if name.endswith(".whl") and self.failures:
            type(self).failures -= 1
            self.send_error(503)
            return
        if name.endswith((".whl", ".metadata")):
            body = self._file(self.folder / name.rpartition("/")[2])
        else:
            body = self._page(name)
        self.send_response(200 if body else 404)
        self.send_header("Content-Type", "text/html")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _page(self, name: str) -> bytes:
        found = sorted(self.folder.glob(f"{name.replace('-', '_')}-*.whl"))
        links = [
            f'<a href="/files/{one.name}#sha256={self._hash(one)}" data-core-metadata="true">'
            f"{one.name}</a>"
            for one in found
        ]
        return "\n".join(links).encode()

    def _file(self, path: Path) -> bytes:
        if path.suffix == ".whl":
            return path.read_bytes()
        wheel = path.with_suffix("")
        info = "-".join(wheel.name.split("-")[:2])
        with zipfile.ZipFile(wheel) as archive:
            return archive.read(f"{info}.dist-info/METADATA")

    def _hash(self, wheel: Path) -> str:
        extra = b"." if self.wrong and wheel.name.startswith(self.wrong) else b""
        return hashlib.sha256(wheel.read_bytes() + extra).hexdigest()

    def log_message(self, *_: object) -> None: ...


@contextmanager
def wheel_index(folder: Path, home: Path) -> Iterator[tuple[type[Simple], dict[str, str]]]:
    handler = type("Handler", (Simple,), {"folder": folder})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    url = f"http://127.0.0.1:{server.server_address[1]}/"
    environ = {"PATH": os.environ["PATH"], "HOME": str(home)}
    try:
        yield handler, {**environ, "PIP_INDEX_URL": url, "NO_PROXY": "127.0.0.1"}
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
