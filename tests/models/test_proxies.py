"""Proxies that the environment names are used, and what is wrong with the way to the server is said in words."""

from __future__ import annotations

import shutil
import socket
import ssl
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Event

import pytest
from huggingface_hub import close_session

from app.core.errors import DownloadError
from app.models.catalogue import CatalogueFile
from app.models.fetch import Fetch
from app.models.hub import Hub
from app.models.token import keep_token, read_token
from tests.models.hub_server import hub_server

REPOSITORY, NAME, DATA = "org/gem-GGUF", "gem.gguf", bytes(range(256)) * 4000
FILE = CatalogueFile(REPOSITORY, NAME, "Q4_0", 0, "", "model")


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """No proxy but those of the test; the client reads them when it is made."""
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.setattr("app.models.fetch._MOST_FAILURES", 0)
    close_session()
    yield
    close_session()


def _fetch(endpoint: str, folder: Path) -> bytes:
    return Fetch(Hub(endpoint), FILE, folder, lambda _: None, Event()).run().path.read_bytes()


def _refused(endpoint: str, folder: Path) -> DownloadError:
    with pytest.raises(DownloadError) as caught:
        _fetch(endpoint, folder)
    return caught.value


def test_all_goes_through_the_proxy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with hub_server() as hub:
        hub.put(REPOSITORY, NAME, DATA)
        monkeypatch.setenv("HTTP_PROXY", hub.endpoint)
        hub.endpoint = "http://hub.invalid"
        assert _fetch(hub.endpoint, tmp_path) == DATA
        assert all(path.startswith("http://hub.invalid/") for _, path, _ in hub.asked)


def test_a_socks_proxy_is_used_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("socksio")
    with hub_server() as hub, _socks_proxy(int(hub.endpoint.rpartition(":")[2])) as (proxy, asked):
        hub.put(REPOSITORY, NAME, DATA)
        monkeypatch.setenv("ALL_PROXY", proxy)
        hub.endpoint = "http://hub.invalid"
        assert _fetch(hub.endpoint, tmp_path) == DATA
        assert set(asked) == {b"hub.invalid"}


@contextmanager
def _socks_proxy(port: int) -> Iterator[tuple[str, list[bytes]]]:
    """A SOCKS 5 proxy that brings every caller to this port of this machine, and whom they asked for."""
    asked: list[bytes] = []
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        while True:
            try:
                caller, _ = listener.accept()
            except OSError:
                return
            with caller, socket.create_connection(("127.0.0.1", port)) as server:
                caller.recv(64)  # the ways to sign in
                caller.sendall(b"\5\0")
                wish = caller.recv(512)
                asked.append(wish[5 : 5 + wish[4]])
                caller.sendall(b"\5\0\0\1\0\0\0\0\0\0")
                there = threading.Thread(target=_copy, args=(caller, server))
                there.start()
                _copy(server, caller)
                there.join()

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield f"socks5://127.0.0.1:{listener.getsockname()[1]}", asked
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join()


def _copy(source: socket.socket, target: socket.socket) -> None:
    try:
        while piece := source.recv(1 << 16):
            target.sendall(piece)
        target.shutdown(socket.SHUT_WR)
    except OSError:
        return


@pytest.mark.parametrize("proxy", ["socks4://127.0.0.1:1", "http://127.0.0.1:port"])
def test_a_proxy_that_is_none_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, proxy: str) -> None:
    monkeypatch.setenv("HTTPS_PROXY", proxy)
    error = _refused("http://127.0.0.1:9", tmp_path)
    assert (error.code, "proxy" in error.message) == ("proxy", True)


def test_a_proxy_that_does_not_answer_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://me:secret@127.0.0.1:9")
    error = _refused("http://hub.invalid", tmp_path)
    assert error.code == "offline"
    assert error.message.startswith("There is no connection to hub.invalid through the proxy 127.0.0.1:9.")
    assert "secret" not in error.message


def test_a_certificate_that_cannot_be_trusted_is_said(tmp_path: Path) -> None:
    with _self_signed_server(tmp_path) as endpoint:
        error = _refused(endpoint, tmp_path / "models")
    assert error.code == "certificate"
    assert error.message.startswith("localhost:")
    assert "self" in error.message
    assert "SSL_CERT_FILE" in error.message


@contextmanager
def _self_signed_server(folder: Path) -> Iterator[str]:
    if shutil.which("openssl") is None:
        pytest.skip("openssl is not here")
    key, certificate = folder / "key.pem", folder / "certificate.pem"
    made = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost"]
    subprocess.run([*made, "-keyout", key, "-out", certificate], check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    server = _QuietServer(("127.0.0.1", 0), BaseHTTPRequestHandler)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield f"https://localhost:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _QuietServer(HTTPServer):
    """A caller that hangs up is no error of the test."""

    def handle_error(self, *_: object) -> None:
        """Nothing."""


@pytest.mark.parametrize("token", ["hf_\N{EN DASH}x", "hf_a b", "hf_a\nb"])
def test_a_token_that_cannot_be_sent_is_refused(monkeypatch: pytest.MonkeyPatch, token: str) -> None:
    with pytest.raises(DownloadError, match="no token"):
        keep_token(token)
    monkeypatch.setenv("HF_TOKEN", token)
    with pytest.raises(DownloadError, match="no token"):
        read_token()
