"""How fast the model that is loaded has written here: what is known of a card's speed."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Slot

from app.core.message import Role

if TYPE_CHECKING:
    from app.chat.changes import MessageView, ModelChanged, PicturesSeen
    from app.core.protocol import ModelInfo
    from app.ui.screen import Screen

_LEAST_TOKENS = 16  # of an answer that says something


class Pace(QObject):
    """GUI thread. `tokens` a second of the latest answer since the model was loaded, `picture` the seconds of one.

    0 where there was none.
    """

    def __init__(self, screen: Screen, parent: QObject) -> None:
        super().__init__(parent)
        self._model: ModelInfo | None = None
        self._since = 0.0
        self.tokens, self.picture = 0.0, 0.0
        screen.model_shown.connect(self._on_model_shown)
        screen.pictures_seen.connect(self._on_pictures_seen)
        screen.message_shown.connect(self._on_message_shown)

    @Slot(object)
    def _on_model_shown(self, change: ModelChanged) -> None:
        if change.model != self._model:
            self._model, self._since, self.tokens = change.model, time.time(), 0.0
            self.picture = change.model.view_seconds if change.model is not None else 0.0

    @Slot(object)
    def _on_pictures_seen(self, change: PicturesSeen) -> None:
        self.picture = change.view_seconds or self.picture

    @Slot(object)
    def _on_message_shown(self, message: MessageView) -> None:
        is_new = message.role is Role.ASSISTANT and message.created_at >= self._since
        if is_new and self._model is not None and message.usage.generated_tokens >= _LEAST_TOKENS:
            self.tokens = message.timings.tokens_per_second or self.tokens
