"""Two families of failure: what a person can mend (UserError) and everything else, which is a bug."""

from __future__ import annotations

from enum import IntEnum


class ExitCode(IntEnum):
    """Exit codes of the command line."""

    DONE = 0
    BUG = 1
    USAGE = 2
    MODEL = 3
    ATTACHMENT = 4
    STORAGE = 5
    ENGINE = 6
    INTERRUPTED = 130


class UserError(Exception):
    """The world's fault: one clear sentence fit to show, and what the command line exits with.

    `code` is a short stable word that a caller may branch on ("disk_full", "cut", "not_gguf" …).
    """

    exit_code = ExitCode.USAGE

    def __init__(self, message: str, code: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.code = code


class UsageError(UserError):
    """The person asked for something that does not exist (an unknown conversation, a bad option)."""


class ModelError(UserError):
    """The model file or its mmproj cannot be loaded: missing, empty, no GGUF, cut, unknown, too large."""

    exit_code = ExitCode.MODEL


class DownloadError(UserError):
    """A model could not be fetched: no network, no such file, a licence to accept, no space, damaged.

    What has come so far stays on disk and is gone on from, but for a file that is damaged.
    """

    exit_code = ExitCode.MODEL


class AttachmentError(UserError):
    """A file given with a message is bad, or the model cannot take it."""

    exit_code = ExitCode.ATTACHMENT


class StorageError(UserError):
    """The database cannot be read or written: full disk, read-only folder, damaged or newer file, locked."""

    exit_code = ExitCode.STORAGE


class EngineError(UserError):
    """The model failed while it worked: out of memory, a dead worker, a refused template."""

    exit_code = ExitCode.ENGINE
