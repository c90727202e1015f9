"""A rendered prompt in pieces: what is a control token, what is plain text, and what was sampled."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Control:
    """One control token that the template wrote, by its literal."""

    text: str


@dataclass(frozen=True, slots=True)
class Plain:
    """Text between two control tokens: tokenised as one string, no control token in it."""

    text: str


@dataclass(frozen=True, slots=True)
class Sampled:
    """An answer by the ids it was sampled as."""

    ids: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Seen:
    """The place of a picture's cells; its frame of control tokens stands around it."""


Segment = Control | Plain | Sampled | Seen
