"""Files of the Hugging Face hub, or of a mirror that speaks like it: what is said of them, and their bytes.

huggingface_hub makes the addresses, follows its redirects and names its errors; the bytes are read from its session in
small pieces, so that a download that is killed has lost next to nothing. It is imported with the first look: a process
that fetches nothing has no network code in it.
"""

from __future__ import annotations

import os
import re
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cache
from typing import Any
from urllib.parse import urlsplit

from app.core.errors import DownloadError
from app.models.catalogue import CatalogueFile

HUB = "https://huggingface.co"
_TIMEOUT = 20.0  # seconds without a byte
_SHA256 = re.compile(r"[0-9a-f]{64}")
_LONGEST_WAIT = 300.0
_MOST_REDIRECTS = 10


class RetryLater(Exception):
    """The server or the line failed in a way that may pass: why, and after how many seconds the server said (0.0)."""

    def __init__(self, why: str, code: str, seconds: float = 0.0) -> None:
        super().__init__(why)
        self.why = why
        self.code = code
        self.seconds = seconds


@dataclass(frozen=True, slots=True)
class Remote:
    """A file as the server has it now. `size` in bytes, 0 where unknown; `sha256` "" where it does not say."""

    location: str
    etag: str
    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Body:
    """The rest of a file, from byte `start` on, in pieces."""

    start: int
    pieces: Iterator[bytes]


def address(endpoint: str = "") -> str:
    """The server that is asked: this one, else what HF_ENDPOINT names, else the hub."""
    return (endpoint or os.environ.get("HF_ENDPOINT", "") or HUB).rstrip("/")


class Hub:
    """One server and, for repositories with a licence to accept, the token of a person's account there."""

    def __init__(self, endpoint: str = "", token: Callable[[], str] = str) -> None:
        """`endpoint` "" is the hub, or what HF_ENDPOINT names. Raises DownloadError for what is no web address.

        `token` is asked once, when files are not given to everyone: a keyring may ask the person to open it.
        """
        self.endpoint = address(endpoint)
        if urlsplit(self.endpoint).scheme not in ("http", "https"):
            raise DownloadError(f"“{self.endpoint}” is no web address that models can be fetched from.", "address")
        self._read_token = token
        self._token: str | None = None  # None: not needed so far
        self._signing_in = threading.Lock()

    def page(self, repository: str) -> str:
        """The address that a person opens to read about a repository and accept its licence."""
        return f"{self.endpoint}/{repository}"

    def look(self, file: CatalogueFile) -> Remote:
        """What the server says of the file. Raises DownloadError or RetryLater."""
        library = _library()
        with self._in_words(file):
            url = library.hf_hub_url(file.repository, file.file, endpoint=self.endpoint)
            session, token = _session(library), self._token
            answer = _asked(session, url, token)
            if answer.status_code in (401, 403) and token is None and self._sign_in():
                answer = _asked(session, url, self._token)
            library.hf_raise_for_status(answer)
        return _remote(answer)

    def _sign_in(self) -> bool:
        """Whether there is a token to try."""
        with self._signing_in:
            if self._token is None:
                self._token = self._read_token()
        return bool(self._token)

    @contextmanager
    def open(self, file: CatalogueFile, remote: Remote, start: int, stop: threading.Event) -> Iterator[Body]:
        """The bytes from `start` on; all of them where the server cannot begin there. Raises as look().

        Setting `stop` ends a read that waits for a silent server.
        """
        library = _library()
        headers = {"Accept-Encoding": "identity"}
        if start:
            headers["Range"] = f"bytes={start}-"
        if self._token and urlsplit(remote.location).netloc == urlsplit(self.endpoint).netloc:
            headers["Authorization"] = f"Bearer {self._token}"
        with (
            self._in_words(file),
            _session(library).stream(
                "GET", remote.location, headers=headers, follow_redirects=True, timeout=_TIMEOUT
            ) as response,
        ):
            library.hf_raise_for_status(response)
            begins = start if response.status_code == 206 else 0
            with _cut_when(stop, response):
                yield Body(begins, response.iter_raw())

    @contextmanager
    def _in_words(self, file: CatalogueFile) -> Iterator[None]:
        """The library's errors as ours."""
        errors, http = _library().errors, _library().http
        try:
            yield
        except errors.OfflineModeIsEnabled as error:
            raise DownloadError("HF_HUB_OFFLINE is set, so nothing is fetched.", "offline") from error
        except errors.GatedRepoError as error:
            raise self._gated(file) from error
        except errors.HfHubHTTPError as error:
            raise self._refused(file, error) from error
        except http.ProxyError as error:
            raise DownloadError(
                f"The proxy {_proxy(self.endpoint)} refuses the connection ({error}).", "proxy"
            ) from error
        except (http.TimeoutException, http.NetworkError, http.RemoteProtocolError) as error:
            host, proxy = urlsplit(self.endpoint).netloc, _proxy(self.endpoint)
            if (why := _distrust(error)) is not None:
                raise DownloadError(
                    f"{host} cannot be trusted ({why}). Check this computer's clock; the certificates of a company's "
                    "network are named by SSL_CERT_FILE.",
                    "certificate",
                ) from error
            through = f" through the proxy {proxy}" if proxy else ""
            raise RetryLater(f"There is no connection to {host}{through}.", "offline") from error
        except (http.HTTPError, http.InvalidURL) as error:
            raise DownloadError(f"The download failed ({error}).", "server") from error

    def _gated(self, file: CatalogueFile) -> DownloadError:
        page = self.page(file.repository)
        if self._token:
            return DownloadError(f"Your account has not accepted the licence of this model yet: {page}", "gated")
        return DownloadError(
            f"This repository gives its files to signed-in people only. Accept its licence at {page}, make a token "
            "there and keep it with: cabochon models token",
            "gated",
        )

    def _refused(self, file: CatalogueFile, error: Any) -> Exception:
        status = error.response.status_code
        if status == 404 or (status == 401 and not self._token):
            return DownloadError(f"“{file.file}” is no longer at {self.page(file.repository)}.", "not_found")
        if status == 403 and not self._token:
            return self._gated(file)
        if status in (401, 403):
            return DownloadError("The server refuses the token. Give another one: cabochon models token", "token")
        if status == 416:
            return RetryLater("The file on the server is shorter than it was.", "range")
        if status == 429 or status >= 500:
            busy, seconds = status == 429, _seconds(error.response.headers.get("Retry-After"))
            if seconds > _LONGEST_WAIT:
                said = f"The server asks to wait {round(seconds / 60)} minutes. What has come is kept; try again then."
                return DownloadError(said, "limited")
            why = "The server asks to wait." if busy else f"The server has trouble (error {status})."
            return RetryLater(why, "limited" if busy else "server", seconds)
        return DownloadError(f"The server refuses to give “{file.file}” (error {status}).", "server")


def _asked(session: Any, url: str, token: str | None) -> Any:
    """The answer that tells of a file. The redirect that names its hash is the last: the file knows it no longer."""
    headers = {"Accept-Encoding": "identity"} | ({"Authorization": f"Bearer {token}"} if token else {})
    request = session.build_request("HEAD", url, headers=headers, timeout=_TIMEOUT)
    for _ in range(_MOST_REDIRECTS):
        answer = session.send(request, follow_redirects=False)
        if answer.next_request is None or "X-Linked-Etag" in answer.headers:
            break
        request = answer.next_request
    return answer


def _session(library: _Library) -> Any:
    """The client, made with the first look; it takes the proxies from the environment."""
    try:
        return library.get_session()
    except (ValueError, library.http.InvalidURL) as error:
        raise DownloadError(f"The proxy that the environment names cannot be used ({error}).", "proxy") from error


def _proxy(address: str) -> str:
    """The proxy that stands before an address, without the name and password in it; "" for none."""
    from urllib.request import getproxies_environment, proxy_bypass_environment  # type: ignore[attr-defined]

    parts, found = urlsplit(address), getproxies_environment()
    if proxy_bypass_environment(parts.netloc):
        return ""
    return (found.get(parts.scheme) or found.get("all") or "").rpartition("@")[2].rpartition("//")[2]


def _distrust(error: BaseException) -> str | None:
    """Why a server's certificate was refused; None where something else went wrong."""
    import ssl

    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return cause.verify_message
        cause = cause.__cause__ or cause.__context__
    return None


def _remote(answer: Any) -> Remote:
    """What the headers say of a file."""
    headers = answer.headers
    etag = (headers.get("X-Linked-Etag", "") or headers.get("ETag", "")).removeprefix("W/").strip('"')
    size = headers.get("X-Linked-Size", "") or ("" if answer.is_redirect else headers.get("Content-Length", ""))
    location = str(answer.next_request.url) if answer.next_request is not None else str(answer.request.url)
    return Remote(location, etag, int(size) if size.isdecimal() else 0, etag if _SHA256.fullmatch(etag) else "")


@contextmanager
def _cut_when(stop: threading.Event, response: Any) -> Iterator[None]:
    """A read that waits for a silent server is ended by cutting its connection."""
    stream = response.extensions.get("network_stream")
    connection = stream.get_extra_info("socket") if stream is not None else None
    if not isinstance(connection, socket.socket):
        yield
        return
    ended = threading.Event()

    def watch() -> None:
        while not ended.wait(0.1):
            if stop.is_set():
                with suppress(OSError):
                    socket.socket.shutdown(connection, socket.SHUT_RDWR)
                return

    watcher = threading.Thread(target=watch, name="fetch-stop", daemon=True)
    watcher.start()
    try:
        yield
    finally:
        ended.set()
        watcher.join()


def _seconds(retry_after: str | None) -> float:
    try:
        return max(0.0, float(retry_after or 0))
    except ValueError:  # a date: our own patience will do
        return 0.0


@dataclass(frozen=True, slots=True)
class _Library:
    """What is used of huggingface_hub and of the HTTP library below it."""

    hf_hub_url: Any
    get_session: Any
    hf_raise_for_status: Any
    errors: Any
    http: Any


@cache
def _library() -> _Library:
    """Told to report nothing about this machine."""
    os.environ["HF_HUB_DISABLE_TELEMETRY"] = "1"
    try:
        import httpx2
        from huggingface_hub import errors, get_session, hf_hub_url
        from huggingface_hub.utils import hf_raise_for_status  # type: ignore[attr-defined]
    except ImportError as error:
        raise DownloadError("Fetching models needs the package huggingface_hub.", "missing") from error
    return _Library(hf_hub_url, get_session, hf_raise_for_status, errors, httpx2)
