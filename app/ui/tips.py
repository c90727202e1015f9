"""Tool tips of words that other people wrote."""

from __future__ import annotations

from PySide6.QtGui import Qt


def tip(text: str) -> str:
    """The text as a tool tip. Qt takes what looks like HTML for HTML, which hides some of it: that is escaped."""
    if not Qt.mightBeRichText(text):
        return text
    from html import escape

    return f'<p style="white-space: pre-wrap">{escape(text)}</p>'
