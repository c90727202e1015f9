"""The first page: what it says of a machine, what it offers, and when it is there."""

from __future__ import annotations

from itertools import chain
from pathlib import Path

import pytest
from PySide6.QtWidgets import QAbstractButton, QApplication, QWidget
from pytestqt.qtbot import QtBot

from app.chat import changes as told
from app.chat.changes import ConversationRow, ModelChanged, ModelState
from app.core.protocol import Described, Device
from app.core.settings import Settings
from app.models.graphics import Advice
from app.models.machine import processor_name
from app.models.memory import Gpu, Machine
from app.models.speed import Speed
from app.ui.first_run import FirstRunPage
from app.ui.look import Look
from app.ui.main_window import MainWindow
from app.ui.model_files import ModelFile
from app.ui.models.first import OFFERED, facts, models, offered
from app.ui.models.model_card import Figures, ModelCard, figures
from tests.ui.calls.making import button, flush, is_there, texts
from tests.ui.windows import Asked, message, opened

GIB = 1 << 30
DEMO = ModelChanged(ModelState.READY, "SmolLM2 135M", demo=True)
QUICK, SLOW = Speed(400e9, 16), Speed(20e9, 2)
CARD = Device("Vulkan0", "RTX 4070", "gpu", 11 * GIB, 12 * GIB)


def test_the_catalogue_has_what_the_page_offers() -> None:
    assert [model.id for model in models()] == list(OFFERED)


@pytest.mark.parametrize(
    ("machine", "speed", "says", "ids"),
    [
        (Machine((Gpu("", 24 * GIB),), 64 * GIB), QUICK, "runs Gemma 3 12B well", ("gemma-3-12b", "gemma-3-27b")),
        (Machine((Gpu("", 11 * GIB),), 18 * GIB), Speed(50e9, 8), "runs Gemma 3 12B well", ("gemma-3-12b",)),
        (Machine((), 16 * GIB), SLOW, "runs Gemma 3 4B, slowly", ("gemma-3-4b", "gemma-3-12b")),
        (Machine((), 3 * GIB), SLOW, "runs Gemma 3 1B", ("gemma-3-1b", "gemma-3-12b")),
        (Machine((), GIB // 2), SLOW, "has too little memory for Gemma 3: the demo model runs", ("gemma-3-12b",)),
        (Machine((), 16 * GIB), None, "", ("gemma-3-12b",)),
    ],
)
def test_what_is_offered(machine: Machine, speed: Speed | None, says: str, ids: tuple[str, ...]) -> None:
    said, best, found = offered(machine, speed)
    assert (said.removeprefix("This computer ").startswith(says), found) == (True, ids)
    assert best == (ids[0] if says.startswith("runs") else "")


def test_facts_of_a_machine_with_a_card(tmp_path: Path) -> None:
    machine = Machine((Gpu("Vulkan0", 11 * GIB),), 18 * GIB)
    card, memory, disk = facts(machine, (CARD,), 32 * GIB, tmp_path / "not" / "there", "gemma-3-12b")
    assert (card.title, card.value, card.note) == ("Graphics card", "RTX 4070, 12 GiB", "11.0 GiB free, Vulkan")
    assert (memory.value, memory.note) == ("32 GiB", "18.0 GiB free")
    assert disk.value.endswith(" free")
    assert disk.note == "needs 7.99 GB"


def test_facts_of_a_machine_without_a_card(tmp_path: Path) -> None:
    processor = facts(Machine((), 8 * GIB), (), 16 * GIB, tmp_path, "")[0]
    assert (processor.title, processor.value) == ("Processor", processor_name())
    assert processor.note.endswith("no graphics card in use")


def test_figures_tell_what_is_known(look: Look, qtbot: QtBot) -> None:
    from app.models.advice import CONTEXT, advice
    from app.models.catalogue import catalogue_shape
    from app.models.downloads import wish
    from app.models.table import Asked as Wanted
    from app.models.table import planned

    model = models()[1]
    shape = catalogue_shape(model, wish(model).file.quantisation)
    for machine, on_card in ((Machine((), 16 * GIB), False), (Machine((Gpu("", 24 * GIB),), 16 * GIB), True)):
        made = planned(shape, CONTEXT, machine, Wanted(), model.encoder)
        first = dict(figures(made, machine, None, sees=True))
        then = dict(figures(made, machine, advice(model, machine, SLOW), sees=True))
        assert first["Speed, estimated"] == ("known once it runs" if on_card else "being measured")
        assert then["To look at an image"] == ("about 1 s, once" if on_card else "about 2 min, once")
        assert ("On the card" in then) == on_card
        assert then["Context"] == "8k tokens"
    view = Figures(look)
    qtbot.addWidget(view)
    view.show()
    view.tell(figures(made, machine, None, sees=False))
    assert "To look at an image: it reads text only" in texts(view)


def test_the_page_asks_and_lists(look: Look, qtbot: QtBot, tmp_path: Path) -> None:
    page = FirstRunPage(look)
    qtbot.addWidget(page)
    page.show()
    demo = ModelFile(tmp_path / "demo.gguf", "demo", "Demo model", True)
    page.show_files([ModelFile(tmp_path / "a.gguf", "a", "1.00 GB", False), demo])
    flush()
    assert "Already on this computer" in texts(page)
    assert not is_there(page, "Use demo"), "it has a button of its own"
    with qtbot.waitSignal(page.file_asked):
        button(page, "Choose a file…").click()
    with qtbot.waitSignal(page.model_chosen) as chosen:
        button(page, "Use a").click()
    assert chosen.args == [tmp_path / "a.gguf"]
    with qtbot.waitSignal(page.begun):
        button(page, "Start with the demo model").click()
    page.show_demo(there=False)
    page.show_files([demo])
    flush()
    assert is_there(page, "Use demo")
    page.show_files([])
    assert "No model files were found on this computer" in texts(page)
    page.show_downloading("huggingface.co")
    assert any("One connection is open, to huggingface.co" in text for text in texts(page))
    page.show_downloading("")
    assert any("only when you press Download" in text for text in texts(page))


def test_the_first_start_shows_the_page_and_the_demo_can_be_asked_at_once(
    window: MainWindow, asked: Asked, qtbot: QtBot
) -> None:
    window.apply(told.ConversationsListed(()))
    window.apply(opened("", title=""))
    window.apply(ModelChanged(ModelState.LOADING, "SmolLM2 135M", demo=True))
    assert window.chat.first.isVisible()
    window.apply(DEMO)
    assert window.chat.first.isVisible()
    assert not window.chat.shows("demo"), "the page says it"
    qtbot.waitUntil(lambda: any(text.startswith("This computer ") for text in texts(window.chat.first)), timeout=10_000)
    cards = [card for card in window.chat.first.findChildren(ModelCard) if card.isVisible()]
    assert len([card for card in cards if card.advised.isVisible()]) == 1
    assert _fits(window.chat.first)
    names = [card.model.name for card in sorted(cards, key=lambda card: card.y())]
    told_ = [("ai.google.dev/gemma/terms", f"Accept the terms of {name}", f"Download {name}") for name in names]
    assert _reached(window) == [*chain(*told_), "Start with the demo model", "Choose a file…"]
    button(window.chat.first, "Start with the demo model").click()
    assert window.chat.empty.isVisible()
    assert window.chat.shows("demo")
    assert window.chat.composer.edit.hasFocus()


def test_a_card_that_is_not_used_is_told_where_the_program_runs_from_source(
    window: MainWindow, monkeypatch: pytest.MonkeyPatch
) -> None:
    advice = Advice("A card is not used.", "This gets it:", "python3 x run --gpu vulkan")
    monkeypatch.setattr("app.models.graphics.advice", lambda has, source: advice)
    window.apply(told.ConversationsListed(()))
    window.apply(opened("", title=""))
    window.apply(DEMO)
    said = window.chat.first.unused_card
    assert said.isHidden(), "the engine has not told yet what it uses"
    processor = Device("CPU", "A processor", "cpu", 0, 0)
    window.apply(told.WorkerDescribed(Described(1, {}, (processor,), "", ())))
    assert said.isVisible()
    assert said.said.text == "A card is not used. This gets it:"
    said.copy.click()
    assert QApplication.clipboard().text() == advice.command
    window.apply(told.WorkerDescribed(Described(2, {}, (processor, CARD), "", ())))
    assert said.isHidden()
    monkeypatch.setattr("app.models.graphics.source_tree", lambda: None)
    window.apply(told.WorkerDescribed(Described(3, {}, (processor,), "", ())))
    assert said.isHidden(), "a package has no set-up"


def test_who_writes_needs_no_button(window: MainWindow) -> None:
    window.apply(told.ConversationsListed(()))
    window.apply(opened("", title=""))
    window.apply(DEMO)
    window.apply(opened("a", message("m", "Hello")))
    assert window.chat.transcript.isVisible()


def test_who_writes_is_told_of_the_demo(window: MainWindow) -> None:
    window.apply(told.ConversationsListed(()))
    window.apply(opened("", title=""))
    window.apply(DEMO)
    assert not window.chat.shows("demo")
    window.apply(opened("a", message("m", "Hello")))
    window.apply(told.ConversationsListed((ConversationRow("a", "Hello", "", 1.0),)))
    assert window.chat.shows("demo")


def test_who_chooses_the_demo_leaves_the_page(window: MainWindow) -> None:
    window.apply(told.ConversationsListed(()))
    window.apply(opened("", title=""))
    window.apply(DEMO)
    window.apply(told.SettingsChanged(Settings(model_path="/models/demo.gguf")))
    assert window.chat.empty.isVisible()


def test_who_has_chats_or_chose_a_model_is_not_welcomed_again(window: MainWindow) -> None:
    window.apply(told.ConversationsListed((ConversationRow("a", "Loan", "", 1.0),)))
    window.apply(opened("", title=""))
    window.apply(DEMO)
    assert window.chat.empty.isVisible()


def _reached(window: MainWindow) -> list[str]:
    """What Tab comes to on the page."""
    found: list[str] = []
    control = window.chat.transcript.nextInFocusChain()
    while control is not None and control is not window.chat.transcript:
        if isinstance(control, QAbstractButton) and window.chat.first.isAncestorOf(control) and control.isVisible():
            found.append(control.accessibleName() or control.text())
        control = control.nextInFocusChain()
    return found


def _fits(page: QWidget) -> bool:
    return all(child.width() <= page.width() for child in page.findChildren(ModelCard))
