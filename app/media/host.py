"""The media process, from both sides: a short-lived child that decodes what a person gave, with limits.

Neither the window nor the worker ever parses foreign bytes. What happens to the child (a crash in a decoder, its memory
or time used up) becomes one sentence about the file.
"""

from __future__ import annotations

import errno
import multiprocessing
import os
import subprocess
import sys
import threading
from enum import StrEnum
from multiprocessing.connection import Connection
from pathlib import Path

import msgspec

from app.core.child import entry_of
from app.core.errors import AttachmentError
from app.core.paths import decode_path, display_name, encode_path
from app.media.decode import Decoded, decode
from app.media.documents import Pages, ReadDocument, draw_pages, has_picture_name, is_picture, read_document

SECONDS = 30.0  # that one file may take
PAGES_SECONDS = 120.0  # that pictures of a PDF's pages may take
LARGEST_FILE = 200_000_000  # bytes
MEMORY = 2 << 30  # bytes of address space beyond what the process has at its start


class Wanted(StrEnum):
    """What a file is taken for."""

    PICTURE = "picture"
    DOCUMENT = "document"
    EITHER = "either"
    PAGES = "pages"  # of a PDF, as pictures


Found = Decoded | ReadDocument | tuple[Decoded, ...]


class _Job(msgspec.Struct, frozen=True):
    """What the child is asked: decode this file into this folder (paths by encode_path)."""

    path: str
    folder: str
    name: str
    wanted: Wanted
    seconds: float
    pages: Pages | None = None


class _Refusal(msgspec.Struct, frozen=True, tag="refused"):
    message: str
    code: str


class _Picture(msgspec.Struct, frozen=True, tag="picture"):
    found: Decoded


class _Text(msgspec.Struct, frozen=True, tag="text"):
    found: ReadDocument


class _Pages(msgspec.Struct, frozen=True, tag="pages"):
    found: tuple[Decoded, ...]


_Answer = _Refusal | _Picture | _Text | _Pages


class Decoding:
    """One file on its way into the attachment folder, in a process of its own."""

    def __init__(
        self,
        path: Path,
        folder: Path,
        seconds: float = SECONDS,
        name: str = "",
        wanted: Wanted = Wanted.PICTURE,
        pages: Pages | None = None,
    ) -> None:
        """Starts nothing; `seconds` is what the file may take, `name` what it is called to the person.

        `pages` are those of a PDF that pictures are wanted of; None are all.
        """
        self._wanted = wanted
        self._pages = pages
        self._path = path
        self._name = name or display_name(path)
        self._folder = folder
        self._seconds = seconds
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._cancelled = False

    def picture(self) -> Decoded:
        """`run` where a picture is wanted."""
        found = self.run()
        assert isinstance(found, Decoded)
        return found

    def run(self) -> Found:
        """Decode. Blocks; any thread. Raises AttachmentError with one sentence, whatever the file does."""
        name = self._name
        ours, theirs = multiprocessing.Pipe()
        try:
            self._start(theirs)
        except OSError as error:
            ours.close()
            raise AttachmentError(f"“{name}” cannot be opened: {error.strerror}.", "process") from error
        finally:
            theirs.close()
        try:
            path, folder = encode_path(self._path), encode_path(self._folder)
            job = _Job(path, folder, name, self._wanted, self._seconds, self._pages)
            ours.send_bytes(msgspec.json.encode(job))
            if not ours.poll(self._seconds):
                raise AttachmentError(f"“{name}” takes too long to be opened. It may be damaged.", "too_long")
            answer: _Answer = msgspec.json.decode(ours.recv_bytes(), type=_Answer)
        except (EOFError, OSError) as error:
            raise AttachmentError(f"“{name}” cannot be opened: it is damaged or too large.", "crashed") from error
        finally:
            ours.close()
            self._end()
        if isinstance(answer, _Refusal):
            raise AttachmentError(answer.message, answer.code)
        return answer.found

    def cancel(self) -> None:
        """End it; `run` raises AttachmentError then. Any thread."""
        with self._lock:
            self._cancelled = True
            if self._process is not None:
                self._process.kill()

    def _start(self, theirs: Connection) -> None:
        with self._lock:
            if self._cancelled:
                raise OSError(errno.ECANCELED, "it was given up")
            self._process = subprocess.Popen(
                [*entry_of("app.media_host", "cabochon-media"), str(theirs.fileno())],
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
            )

    def _end(self) -> None:
        with self._lock:
            process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.wait()


def serve(connection: Connection) -> None:
    """The child's side: one job, one answer."""
    job = msgspec.json.decode(connection.recv_bytes(), type=_Job)
    path = decode_path(job.path)
    name = job.name
    answer: _Answer
    try:
        _limit(job.seconds)
        answer = _answered(_read(path, name), job)
    except AttachmentError as error:
        answer = _Refusal(error.message, error.code)
    except MemoryError:
        answer = _Refusal(f"“{name}” needs too much memory.", "too_large")
    except OSError as error:
        answer = _Refusal(f"“{name}” could not be kept: {error.strerror}.", "storage")
    connection.send_bytes(msgspec.json.encode(answer))


def _answered(data: bytes, job: _Job) -> _Answer:
    folder, name, wanted = decode_path(job.folder), job.name, job.wanted
    if wanted is Wanted.EITHER:
        wanted = Wanted.PICTURE if is_picture(data, name) else Wanted.DOCUMENT
    if wanted is Wanted.PICTURE:
        try:
            return _Picture(decode(data, name, folder))
        except AttachmentError as error:
            if error.code != "no_image" or job.wanted is Wanted.PICTURE or has_picture_name(name):
                raise
            said = f"“{name}” is neither a picture nor text that can be read here."
            raise AttachmentError(said, "no_image") from error
    if wanted is Wanted.PAGES:
        return _Pages(draw_pages(data, name, folder, job.pages))
    return _Text(read_document(data, name, folder))


def _read(path: Path, name: str) -> bytes:
    try:
        if path.is_dir():
            raise AttachmentError(f"“{name}” is a folder. Choose the files in it.", "folder")
        if not path.is_file():
            raise AttachmentError(f"There is no file “{name}”.", "missing")
        size = path.stat().st_size
        if size > LARGEST_FILE:
            raise AttachmentError(f"“{name}” is too large ({size / 1e6:,.0f} MB).", "too_large")
        return path.read_bytes()
    except OSError as error:
        raise AttachmentError(f"“{name}” cannot be read: {error.strerror}.", "unreadable") from error


def _limit(seconds: float) -> None:
    """Memory and processor time of this process; beyond them it fails or ends."""
    if not sys.platform.startswith("linux"):
        return
    import resource

    with open("/proc/self/statm", "rb") as file:
        present = int(file.read().split()[0]) * os.sysconf("SC_PAGE_SIZE")
    resource.setrlimit(resource.RLIMIT_AS, (present + MEMORY, present + MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (int(seconds) + 1, int(seconds) + 2))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
