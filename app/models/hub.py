"""Files of the Hugging Face hub, or of a mirror that speaks like it: what is said of them, and their bytes.

huggingface_hub makes the addresses, follows its redirects and names its errors; the bytes are read from its session in
small pieces, so that a download that is killed has lost next to nothing. It is imported with the first look: a process
that fetches nothing has no network code in it.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
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


class RetryLater(Exception):
    """The server or the line failed in a way that may pass: why, and after how many seconds the server said (0.0)."""

    def __init__(self, why: str, code: str, seconds: float = 0.0) -> None:
        super().__init__(why)
        self.why = why
        self.code = code
        self.seconds = min(seconds, _LONGEST_WAIT)


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


class Hub:
    """One server and, for repositories with a licence to accept, the token of a person's account there."""

    def __init__(self, endpoint: str = "", token: str = "") -> None:
        """`endpoint` "" is the hub, or what HF_ENDPOINT names."""
        self.endpoint = (endpoint or os.environ.get("HF_ENDPOINT", "") or HUB).rstrip("/")
        self._token = token

    def page(self, repository: str) -> str:
        """The address that a person opens to read about a repository and accept its licence."""
        return f"{self.endpoint}/{repository}"

    def look(self, file: CatalogueFile) -> Remote:
        """What the server says of the file. Raises DownloadError or RetryLater."""
        library = _library()
        with self._in_words(file):
            url = library.hf_hub_url(file.repository, file.file, endpoint=self.endpoint)
            found = library.get_hf_file_metadata(
                url, token=self._token or False, timeout=_TIMEOUT, endpoint=self.endpoint
            )
        etag = found.etag or ""
        return Remote(found.location, etag, found.size or 0, etag if _SHA256.fullmatch(etag) else "")

    @contextmanager
    def open(self, file: CatalogueFile, remote: Remote, start: int) -> Iterator[Body]:
        """The bytes from `start` on; all of them where the server cannot begin there. Raises as look()."""
        library = _library()
        headers = {"Accept-Encoding": "identity"}
        if start:
            headers["Range"] = f"bytes={start}-"
        if self._token and urlsplit(remote.location).netloc == urlsplit(self.endpoint).netloc:
            headers["Authorization"] = f"Bearer {self._token}"
        with self._in_words(file):
            session = library.get_session()
            with session.stream(
                "GET", remote.location, headers=headers, follow_redirects=True, timeout=_TIMEOUT
            ) as response:
                library.hf_raise_for_status(response)
                begins = start if response.status_code == 206 else 0
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
        except (http.TimeoutException, http.NetworkError, http.RemoteProtocolError) as error:
            host = urlsplit(self.endpoint).netloc
            raise RetryLater(f"There is no connection to {host}.", "offline") from error
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
        if status in (401, 403):
            return DownloadError("The server refuses the token. Give another one: cabochon models token", "token")
        if status == 416:
            return RetryLater("The file on the server is shorter than it was.", "range")
        if status == 429 or status >= 500:
            busy = status == 429
            why = "The server asks to wait." if busy else f"The server has trouble (error {status})."
            return RetryLater(why, "limited" if busy else "server", _seconds(error.response.headers.get("Retry-After")))
        return DownloadError(f"The server refuses to give “{file.file}” (error {status}).", "server")


def _seconds(retry_after: str | None) -> float:
    try:
        return max(0.0, float(retry_after or 0))
    except ValueError:  # a date: our own patience will do
        return 0.0


@dataclass(frozen=True, slots=True)
class _Library:
    """What is used of huggingface_hub and of the HTTP library below it."""

    hf_hub_url: Any
    get_hf_file_metadata: Any
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
        from huggingface_hub import errors, get_hf_file_metadata, get_session, hf_hub_url
        from huggingface_hub.utils import hf_raise_for_status  # type: ignore[attr-defined]
    except ImportError as error:
        raise DownloadError("Fetching models needs the package huggingface_hub.", "missing") from error
    return _Library(hf_hub_url, get_hf_file_metadata, get_session, hf_raise_for_status, errors, httpx2)
