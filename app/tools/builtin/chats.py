"""What was said in other chats."""

from __future__ import annotations

from app.tools.registry import Surroundings, ToolError

_MOST = 20


def search_chats(words: str, most: int = 5, *, around: Surroundings) -> str:
    """Searches the person's other chats for words and returns the places, the latest first.

    words: The words as they were written, one after the other
    most: How many places to return
    """
    if not words.strip():
        raise ToolError("There are no words to search for.")
    if around.search_chats is None:
        raise ToolError("The chats cannot be searched here.")
    return around.search_chats(words.strip(), max(1, min(most, _MOST)))
