"""A server that speaks as the Hugging Face hub does of files, with faults that can be switched on."""

from __future__ import annotations

import hashlib
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote, urlsplit

REPOSITORY = "ggml-org/gemma-3-12b-it-qat-GGUF"
MODEL, PROJECTOR = "gemma-3-12b-it-qat-Q4_0.gguf", "mmproj-model-f16-12B.gguf"


@dataclass
class Faults:
    """What goes wrong. Counts go down to 0 as they happen."""

    cut_after: int = 0  # bytes of one answer, then the connection is closed
    cuts: int = 0
    status: int = 0  # instead of the file
    statuses: int = 0
    on_body: bool = False  # the status comes with the body, not with the look before
    error_code: str = ""
    retry_after: str = ""
    damage: int = 0  # bodies whose last byte is wrong
    says_size: int = 0  # a size that is not the file's
    ignores_ranges: bool = False
    slow: float = 0.0  # seconds before each 64 KiB
    needs_token: str = ""
    silent_after: int = 0  # bytes of one answer, then nothing more comes
    silent: bool = False  # no answer comes at all
    same_host: bool = False  # files lie on the server itself, as a mirror may have them


@dataclass
class HubServer:
    """Files by `repository/name`; `sent` counts the bytes of bodies, `asked` the requests."""

    endpoint: str
    faults: Faults = field(default_factory=Faults)
    files: dict[str, bytes | Path] = field(default_factory=dict)
    etags: dict[str, str] = field(default_factory=dict)
    asked: list[tuple[str, str, str]] = field(default_factory=list)
    sent: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)
    silence: threading.Event = field(default_factory=threading.Event)

    def put(self, repository: str, name: str, data: bytes | Path, etag: str = "") -> str:
        """Offer a file; answers with its SHA-256."""
        sha256 = hashlib.sha256(data if isinstance(data, bytes) else data.read_bytes()).hexdigest()
        self.files[f"{repository}/{name}"] = data
        self.etags[f"{repository}/{name}"] = etag or sha256
        return sha256


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    hub: HubServer

    def setup(self) -> None:
        self.request.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 16)  # what was written has left
        super().setup()

    def log_message(self, *_: object) -> None:
        """Nothing."""

    def end_headers(self) -> None:
        self.send_header("Connection", "close")  # a connection that is kept would keep its thread
        super().end_headers()

    def do_HEAD(self) -> None:
        self._note()
        if self.hub.faults.silent:
            self.hub.silence.wait(60)
            self.close_connection = True
            return
        cdn = self.hub.faults.same_host and self.path.startswith("/cdn/")
        if cdn and (found := self._key("/cdn/")):  # a file itself knows nothing of its hash
            self.send_response(200)
            self.send_header("Content-Length", str(self._size(found)))
            self.send_header("ETag", '"file"')
            self.end_headers()
            return
        key = self._key("/resolve/main/")
        if key is None or self._refused(body=False):
            return
        self.send_response(302)
        elsewhere = self.hub.endpoint
        if not self.hub.faults.same_host:  # the hub's files lie on other hosts
            elsewhere = elsewhere.replace("127.0.0.1", "localhost")
        self.send_header("Location", f"{elsewhere}/cdn/{key}")
        self.send_header("X-Repo-Commit", "0" * 40)
        self.send_header("X-Linked-Size", str(self.hub.faults.says_size or self._size(key)))
        self.send_header("X-Linked-Etag", f'"{self.hub.etags[key]}"')
        self.send_header("ETag", '"small"')
        self.send_header("Accept-Ranges", "bytes")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def do_GET(self) -> None:
        self._note()
        key = self._key("/cdn/")
        if key is None or self._refused(body=True):
            return
        size, faults = self._size(key), self.hub.faults
        start = 0
        asked = self.headers.get("Range", "")
        if asked and not faults.ignores_ranges:
            start = int(asked.removeprefix("bytes=").split("-")[0])
            if start >= size:
                self._answer(416)
                return
            self.send_response(206)
            self.send_header("Content-Range", f"bytes {start}-{size - 1}/{size}")
        else:
            self.send_response(200)
        self.send_header("Content-Length", str(size - start))
        self.end_headers()
        self._send_body(key, start)

    def _send_body(self, key: str, start: int) -> None:
        faults, sent = self.hub.faults, 0
        damaged = faults.damage > 0
        if damaged:
            faults.damage -= 1
        size = self._size(key)
        for piece in self._pieces(key, start):
            if damaged and start + sent + len(piece) == size:
                piece = piece[:-1] + bytes([piece[-1] ^ 1])
            if faults.cuts > 0 and sent + len(piece) > faults.cut_after:
                faults.cuts -= 1
                self.wfile.write(piece[: faults.cut_after - sent])
                self.close_connection = True
                self.connection.close()
                return
            if faults.silent_after and sent + len(piece) > faults.silent_after:
                self.hub.silence.wait(30)
                return
            if faults.slow:
                time.sleep(faults.slow)
            try:
                self.wfile.write(piece)
            except OSError:
                return
            sent += len(piece)
            with self.hub.lock:
                self.hub.sent += len(piece)

    def _pieces(self, key: str, start: int) -> Iterator[bytes]:
        data = self.hub.files[key]
        if isinstance(data, bytes):
            for place in range(start, len(data), 1 << 16):
                yield data[place : place + (1 << 16)]
            return
        with data.open("rb") as file:
            file.seek(start)
            while piece := file.read(1 << 16):
                yield piece

    def _size(self, key: str) -> int:
        data = self.hub.files[key]
        return len(data) if isinstance(data, bytes) else data.stat().st_size

    def _note(self) -> None:
        self.hub.asked.append((self.command, self.path, self.headers.get("Authorization", "")))

    def _key(self, between: str) -> str | None:
        key = unquote(urlsplit(self.path).path).replace(between, "/", 1).lstrip("/")  # a proxy is asked for an address
        if key in self.hub.files:
            return key
        self._answer(404, "EntryNotFound")
        return None

    def _refused(self, *, body: bool) -> bool:
        faults = self.hub.faults
        token = faults.needs_token
        if token and not body and self.headers.get("Authorization") != f"Bearer {token}":
            self._answer(401, "GatedRepo")
            return True
        if faults.statuses > 0 and faults.on_body == body:
            faults.statuses -= 1
            self._answer(faults.status, faults.error_code)
            return True
        return False

    def _answer(self, status: int, error_code: str = "") -> None:
        self.send_response(status)
        if error_code:
            self.send_header("X-Error-Code", error_code)
        if self.hub.faults.retry_after:
            self.send_header("Retry-After", self.hub.faults.retry_after)
        self.send_header("Content-Length", "0")
        self.end_headers()


@contextmanager
def hub_server() -> Iterator[HubServer]:
    """A server on a free port of this machine."""
    handler = type("Handler", (_Handler,), {})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    hub = HubServer(f"http://127.0.0.1:{server.server_address[1]}")
    handler.hub = hub  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield hub
    finally:
        hub.silence.set()
        server.shutdown()
        server.server_close()
        thread.join()


@contextmanager
def micro_hub(micro_model: Path) -> Iterator[HubServer]:
    """Has the micro model and its image part under the names of the recommended 12B."""
    with hub_server() as hub:
        hub.put(REPOSITORY, MODEL, micro_model)
        hub.put(REPOSITORY, PROJECTOR, micro_model.with_name("mmproj-micro-gemma3.gguf"))
        yield hub
