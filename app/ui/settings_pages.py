"""The pages of the settings. Each shows a Settings value and tells the changed copy."""

from __future__ import annotations

from typing import Any

import msgspec
from PySide6.QtCore import QTimer, Signal, Slot
from PySide6.QtWidgets import QFrame, QHBoxLayout, QPlainTextEdit, QVBoxLayout, QWidget

from app.chat.changes import ModelChanged
from app.core.settings import DEFAULT_CONTEXT, Sampling, Settings
from app.ui.controls import Button, Switch
from app.ui.figures import context_short
from app.ui.look import SCALES, Look
from app.ui.settings_controls import (
    AddressField,
    FolderButton,
    MenuButton,
    NumberField,
    Segments,
    SettingsCard,
    SettingsRow,
)

CONTEXTS = (2048, 4096, 8192, 16384, 32768, 65536, 131072)
CACHE_TYPES = (("", "Automatic"), ("f16", "16 bit"), ("q8_0", "8 bit"), ("q4_0", "4 bit"))
IMAGES = (("", "Automatic"), ("memory", "In memory"), ("off", "Off"))
REST_MINUTES = ((0, "Never"), (5, "After 5 minutes"), (15, "After 15 minutes"), (60, "After an hour"))
THEMES = (("system", "System"), ("light", "Light"), ("dark", "Dark"), ("contrast", "Contrast"))
PROMPT_MS = 500


class Page(QWidget):
    """Base: a column of cards."""

    changed = Signal(object)

    def __init__(self, look: Look) -> None:
        super().__init__()
        self._look = look
        self._settings = Settings()
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(16)

    def show_settings(self, settings: Settings) -> None:
        """Show these settings."""
        self._settings = settings

    def finish(self) -> None:
        """Tell what has not been told yet; the dialog closes."""

    def _tell(self, **changes: Any) -> None:
        self._settings = msgspec.structs.replace(self._settings, **changes)
        self.changed.emit(self._settings)


class ModelPage(Page):
    """How a model is loaded."""

    def __init__(self, look: Look, model: ModelChanged) -> None:
        super().__init__(look)
        trained = model.model.trained_context if model.model is not None else CONTEXTS[-1]
        usual = min(DEFAULT_CONTEXT, trained)
        sizes: list[tuple[object, str]] = [(0, f"Automatic, {context_short(usual)}")]
        sizes += [(size, context_short(size)) for size in CONTEXTS if size <= trained]
        self._context = MenuButton(look, "Context", sizes)
        self._cache = MenuButton(look, "Cache type", CACHE_TYPES)
        self._images = MenuButton(look, "Images", IMAGES)
        self._threads = NumberField(look, "Threads", low=1, high=512)
        self._layers = NumberField(look, "GPU layers", low=0, high=999)
        self._mirror = AddressField(look, "Fetch models from", "https://huggingface.co")
        self._rest = MenuButton(look, "Give memory back", REST_MINUTES)
        self._column.addWidget(
            SettingsCard(
                look,
                [
                    SettingsRow(
                        look, "Context", "How much of a chat the model reads. More needs more memory", self._context
                    ),
                    SettingsRow(
                        look, "Cache type", "8 and 4 bit need less memory and cost a little quality", self._cache
                    ),
                    SettingsRow(
                        look, "Images", "On the graphics card where one is. Off: less memory, text only", self._images
                    ),
                    SettingsRow(look, "Threads", "Empty: as many as keep this computer quick", self._threads),
                    SettingsRow(look, "GPU layers", "Empty: as many as the graphics card takes. 0: none", self._layers),
                    SettingsRow(
                        look, "Give memory back", "When nothing is asked. The model comes back by itself", self._rest
                    ),
                ],
            )
        )
        note = "A mirror that speaks as Hugging Face does. Empty: Hugging Face"
        self._folder = FolderButton(look, "Models folder", "With the chats")
        where = "Another disk will do, also one that is not always connected"
        rows: list[QWidget] = [
            SettingsRow(look, "Fetch models from", note, self._mirror),
            SettingsRow(look, "Models folder", where, self._folder),
        ]
        self._column.addWidget(SettingsCard(look, rows))
        self._column.addStretch(1)
        self._folder.settled.connect(lambda folder: self._tell(models_folder=folder))
        self._mirror.settled.connect(lambda address: self._tell(mirror=address))
        self._context.chosen.connect(lambda value: self._tell_load(context=value))
        self._cache.chosen.connect(lambda value: self._tell_load(kv_type=value))
        self._images.chosen.connect(lambda value: self._tell_load(images=value))
        self._threads.settled.connect(lambda value: self._tell_load(threads=value or 0))
        self._rest.chosen.connect(lambda value: self._tell(rest_minutes=value))
        self._layers.settled.connect(lambda value: self._tell_load(gpu_layers=-1 if value is None else value))

    def show_settings(self, settings: Settings) -> None:
        super().show_settings(settings)
        load = settings.load
        self._context.show_value(load.context)
        self._cache.show_value(load.kv_type)
        self._images.show_value(load.images)
        self._mirror.show_address(settings.mirror)
        self._folder.show_folder(settings.models_folder)
        self._rest.show_value(settings.rest_minutes)
        self._threads.show_number(load.threads or None, "Automatic")
        self._layers.show_number(None if load.gpu_layers < 0 else load.gpu_layers, "Automatic")

    def _tell_load(self, **changes: Any) -> None:
        self._tell(load=msgspec.structs.replace(self._settings.load, **changes))


class SamplingPage(Page):
    """How words are chosen; an empty field follows what the model's family recommends."""

    def __init__(self, look: Look, model: ModelChanged) -> None:
        super().__init__(look)
        self._recommended = model.model.recommended if model.model is not None else Sampling()
        self._fields = {
            "temperature": NumberField(look, "Temperature", low=0, high=5, decimals=2),
            "top_k": NumberField(look, "Top-k", low=0, high=100_000),
            "top_p": NumberField(look, "Top-p", low=0, high=1, decimals=2),
            "min_p": NumberField(look, "Min-p", low=0, high=1, decimals=2),
            "max_tokens": NumberField(look, "Longest answer", low=1, high=1_000_000),
            "seed": NumberField(look, "Seed", low=0, high=2_147_483_647),
        }
        notes = {
            "temperature": "How free the choice of words is. 0 always takes the likeliest",
            "top_k": "Only the likeliest words, so many. 0: all",
            "top_p": "Only the likeliest words that together have this share",
            "min_p": "Only words at least this likely, measured against the likeliest",
            "max_tokens": "In tokens. Empty: until the context is full",
            "seed": "The same seed gives the same answer. Empty: another each time",
        }
        rows: list[QWidget] = [
            SettingsRow(look, field.accessibleName(), notes[name], field) for name, field in self._fields.items()
        ]
        self._column.addWidget(SettingsCard(look, rows))
        self._reset = Button(look, "Use recommended values")
        below = QHBoxLayout()
        below.addStretch(1)
        below.addWidget(self._reset)
        self._column.addLayout(below)
        self._column.addStretch(1)
        for name, field in self._fields.items():
            field.settled.connect(lambda value, name=name: self._tell_sampling(name, value))
        self._reset.clicked.connect(self._on_reset_clicked)

    def show_settings(self, settings: Settings) -> None:
        super().show_settings(settings)
        for name, field in self._fields.items():
            field.show_number(getattr(settings.sampling, name), self._recommendation(name))
        self._reset.setEnabled(settings.sampling != Sampling())

    def _recommendation(self, name: str) -> str:
        value = getattr(self._recommended, name)
        if value is not None:
            return f"{value:g} recommended"
        return {"max_tokens": "No limit", "seed": "Another each time"}.get(name, "Recommended")

    def _tell_sampling(self, name: str, value: float | None) -> None:
        self._tell(sampling=msgspec.structs.replace(self._settings.sampling, **{name: value}))
        self._reset.setEnabled(self._settings.sampling != Sampling())

    @Slot()
    def _on_reset_clicked(self) -> None:
        self._tell(sampling=Sampling())
        self.show_settings(self._settings)


class ChatPage(Page):
    """What every new chat begins with."""

    def __init__(self, look: Look) -> None:
        super().__init__(look)
        self._prompt = QPlainTextEdit()
        self._prompt.setAccessibleName("System prompt")
        self._prompt.setProperty("field", True)
        self._prompt.setFrameShape(QFrame.Shape.NoFrame)
        self._prompt.setTabChangesFocus(True)
        self._prompt.setPlaceholderText("None")
        look.changed.connect(self._on_look_changed)
        self._on_look_changed()
        self._date = Switch(look, "Tell the date")
        self._pause = QTimer(self)
        self._pause.setSingleShot(True)
        self._pause.setInterval(PROMPT_MS)
        note = "Read before every chat, so that the model knows how to answer you"
        self._column.addWidget(
            SettingsCard(
                look,
                [
                    SettingsRow(look, "System prompt", note, self._prompt, below=True),
                    SettingsRow(look, "Tell the date", "A new chat begins with the day it began on", self._date),
                ],
            )
        )
        self._column.addStretch(1)
        self._prompt.textChanged.connect(self._pause.start)
        self._pause.timeout.connect(self._on_pause_over)
        self._date.clicked.connect(lambda on: self._tell(stamp_date=on))

    def show_settings(self, settings: Settings) -> None:
        super().show_settings(settings)
        self._date.setChecked(settings.stamp_date)
        if not self._prompt.hasFocus() and self._prompt.toPlainText() != settings.system_prompt:
            self._prompt.setPlainText(settings.system_prompt)
            self._pause.stop()

    @Slot()
    def _on_look_changed(self) -> None:
        self._prompt.setFont(self._look.font(13))
        self._prompt.setFixedHeight(self._look.px(132))

    def finish(self) -> None:
        if self._pause.isActive():
            self._pause.stop()
            self._on_pause_over()

    @Slot()
    def _on_pause_over(self) -> None:
        written = self._prompt.toPlainText()
        if written != self._settings.system_prompt:
            self._tell(system_prompt=written)


class AppearancePage(Page):
    """Theme and text size."""

    def __init__(self, look: Look) -> None:
        super().__init__(look)
        self._theme = Segments(look, "Theme", THEMES)
        self._size = MenuButton(look, "Text size", [(scale, f"{scale * 100:.0f}%") for scale in SCALES])
        self._column.addWidget(
            SettingsCard(
                look,
                [
                    SettingsRow(look, "Theme", "System follows the desktop as it changes", self._theme),
                    SettingsRow(look, "Text size", "Also by Ctrl and plus or minus; Ctrl+0 is 100%", self._size),
                ],
            )
        )
        self._column.addStretch(1)
        self._theme.chosen.connect(lambda value: self._tell(theme=value))
        self._size.chosen.connect(lambda value: self._tell(text_scale=value))

    def show_settings(self, settings: Settings) -> None:
        super().show_settings(settings)
        self._theme.show_value(settings.theme)
        self._size.show_value(settings.text_scale)
