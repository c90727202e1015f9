"""What the window does with models: the menu of the pill, the first page, and the *Models* page with its downloads."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
from PySide6.QtCore import QObject, Signal, Slot
from PySide6.QtWidgets import QWidget

from app.chat.changes import ModelChanged, ModelState
from app.ui.models.by_itself import CheckByItself
from app.ui.models.pace import Pace
from app.ui.models.this_machine import ThisMachine
from app.ui.other_models import OtherModels

if TYPE_CHECKING:
    from app.core.paths import DataPaths
    from app.core.settings import LoadOptions
    from app.models.catalogue import CatalogueModel
    from app.models.memory import Machine
    from app.ui.actions import Actions
    from app.ui.chat_pane import ChatPane
    from app.ui.look import Look
    from app.ui.model_files import ModelFile
    from app.ui.models.about_page import AboutPage
    from app.ui.models.downloader import Downloader
    from app.ui.models.file_fits import FileFit, FileFits
    from app.ui.models.fit_page import FitPage
    from app.ui.models.here_page import HerePage
    from app.ui.models.machine_check import MachineCheck
    from app.ui.models.model_cards import ModelCards
    from app.ui.models.page import ModelsPage
    from app.ui.models.refresher import Refresher
    from app.ui.models.unused_card import UnusedCard
    from app.ui.screen import Screen

HERE, GET, FITS = 0, 1, 2


def _with_part(file: ModelFile, named: str) -> str:
    """What is said of a file, with the image part that was named for it."""
    return f"{file.note}, sees with {Path(named).name}" if named else file.note


class ModelsDesk(QObject):
    """GUI thread. `recent` answers with the files that were used lately, the last one first."""

    files_known = Signal(object)  # list of ModelFile, while a menu may be open
    covered = Signal(bool)  # whether the Models page lies over the chat

    def __init__(
        self,
        look: Look,
        window: QWidget,
        chat: ChatPane,
        paths: DataPaths,
        actions: Actions,
        screen: Screen,
        recent: Callable[[], list[Path]],
    ) -> None:
        super().__init__(window)
        self._look = look
        self._window = window
        self._chat = chat
        self._data = paths
        self._actions = actions
        self._screen = screen
        self._recent = recent
        self._page: ModelsPage | None = None
        self._fits: FitPage | None = None
        self._gets: ModelCards | None = None  # those of the page
        self._offers: ModelCards | None = None  # those of the first page
        self._file_fits: FileFits | None = None
        self._planned: Path | None = None  # the file that *What fits* waits for
        self.downloader: Downloader | None = None
        self.refresher: Refresher | None = None
        self._files: HerePage | None = None
        self._about: AboutPage | None = None
        self._unused_cards: list[UnusedCard] = []  # what the pages say of a card that is not used
        self.check: MachineCheck | None = None
        self._machine = ThisMachine(screen, actions, self)
        self._machine.told.connect(self._show_machine)
        self._machine.outdated.connect(self._on_machine_outdated)
        self.by_itself = CheckByItself(screen, actions, self._made_check, self)
        self.others = OtherModels(lambda: self._paths, recent, self)
        self.others.changed.connect(self._on_others_changed)
        self._pace = Pace(screen, self)
        screen.page_due.connect(self._on_page_due)
        screen.settings_shown.connect(self._on_settings_shown)
        chat.top.pill.clicked.connect(self._on_pill_clicked)
        chat.models_asked.connect(self.open_page)
        chat.demo_begun.connect(screen.begin_with_demo)

    @property
    def _paths(self) -> DataPaths:
        """With the models where the settings want them."""
        return self._data.with_models(self._screen.settings.models_folder)

    @property
    def model(self) -> ModelChanged:
        """The state of the pill."""
        return self._screen.model or ModelChanged(ModelState.NONE)

    @Slot()
    def open_page(self, part: int = GET) -> None:
        """Show the Models page."""
        if self._page is None:
            self._make_page()
        assert self._page is not None
        assert self._gets is not None
        self._gets.refresh()  # files come and go outside too
        self._machine.ask()
        self._show_files()
        self.others.look()
        self.covered.emit(True)
        self._page.show()
        self._page.raise_()
        self._page.show_part(part)

    @Slot()
    def leave_page(self) -> None:
        """Back to the chat."""
        if self._page is not None and self._page.isVisible():
            self._page.hide()
            self.covered.emit(False)

    def close(self) -> None:
        """End what is under way; a download goes on at the next start."""
        self.others.close()
        if self._file_fits is not None:
            self._file_fits.close()
        self._machine.close()
        if self.downloader is not None:
            self.downloader.close()
        if self._about is not None:
            self._about.close_reader()
        if self.refresher is not None:
            self.refresher.close()
        if self.check is not None:
            self.check.close()

    def known(self) -> list[ModelFile]:
        """The files that can be chosen."""
        from app.ui.model_files import known_models

        files = known_models(self._paths, self._recent(), self.others.files, self.others.blind)
        parts = dict(self._screen.settings.image_parts)
        return [replace(file, note=_with_part(file, parts.get(str(file.path), ""))) for file in files]

    @Slot(object)
    def choose(self, path: Path) -> None:
        """Load this model, with the image part that its place names for it."""
        self._actions.choose_model(path, self.others.image_part(path))

    def _named_part(self, path: Path) -> str:
        """The image part that was named for a file, by a person or by its place; "" where none was."""
        return dict(self._screen.settings.image_parts).get(str(path)) or str(self.others.image_part(path) or "")

    def _make_page(self) -> None:
        from app.models.catalogue import catalogue
        from app.models.downloads import Downloads
        from app.ui.models.check_page import CheckPage
        from app.ui.models.fit_page import FitPage
        from app.ui.models.get_page import GetPage
        from app.ui.models.here_page import HerePage
        from app.ui.models.page import ModelsPage
        from app.ui.models.refresher import Refresher

        offered = [model for model in catalogue() if any(file.kind == "model" for file in model.files)]
        self._gets = self._made_cards(offered)
        self.refresher = Refresher(lambda: self._data, self)
        self.refresher.refreshed.connect(self._show_refreshed)
        self._fits = FitPage(self._look)
        self._fits.plan_chosen.connect(self._on_plan_chosen)
        self._fits.file_asked.connect(self._on_need_asked)
        self._screen.model_shown.connect(self._show_loaded)
        page = ModelsPage(self._look, self._window)
        self._files = HerePage(self._look, lambda path: Downloads(self._paths.models).owns(path))
        self._files.used.connect(self._on_model_used)
        self._files.removed.connect(self._on_remove_asked)
        self._files.need_asked.connect(self._on_need_asked)
        self._files.image_part_asked.connect(self._on_image_part_asked)
        self._files.file_asked.connect(self._actions.browse_model)
        self._made_file_fits().told.connect(self._files.rows.show_fit)
        page.add("On this computer", self._files, "Here")
        page.add("Get more", GetPage(self._look, self._gets, self.refresher, lambda: self._screen.settings.mirror))
        page.add("What fits", self._fits)
        page.add("About the models", self._made_about(), "About")
        check = CheckPage(self._look, self._made_check())
        page.add("Check this machine", check, "Check")
        self._unused_cards = [self._files.unused_card, check.unused_card]
        page.left.connect(self.leave_page)
        self._page = page

    def _made_cards(self, models: Sequence[CatalogueModel]) -> ModelCards:
        from app.models.refreshed import Refreshed
        from app.ui.models.model_cards import ModelCards

        made = ModelCards(self._look, models, self._made_downloader(), self)
        made.accepted.connect(self._on_licence_accepted)
        made.used.connect(self._on_model_used)
        made.failed.connect(self._screen.show_notice)
        made.show_settings(self._screen.settings)
        made.show_files(Refreshed(self._data.refreshed))
        return made

    @Slot()
    def _show_refreshed(self) -> None:
        for cards in (self._gets, self._offers):
            if cards is not None and self.refresher is not None:
                cards.show_files(self.refresher.kept)

    def _made_about(self) -> AboutPage:
        from app.ui.models.about_page import AboutPage

        about = self._about = AboutPage(self._look, self._named_part, self._data.self_checked)
        about.measured_asked.connect(self._actions.ask_measured)
        self._screen.model_measured.connect(about.show_measured)
        return about

    def _made_file_fits(self) -> FileFits:
        if self._file_fits is None:
            from app.ui.models.file_fits import FileFits

            self._file_fits = FileFits(self._data.needs, self, self._named_part)
            self._file_fits.told.connect(self._on_fit_told)
        return self._file_fits

    def _made_downloader(self) -> Downloader:
        if self.downloader is None:
            from app.ui.models.downloader import Downloader

            self.downloader = Downloader(lambda: self._paths, self)
            self.downloader.fetched.connect(self._actions.choose_fetched)
            self.downloader.fetched.connect(self._show_files)
        return self.downloader

    def _made_check(self) -> MachineCheck:
        if self.check is None:
            from app.ui.models.machine_check import MachineCheck

            self.check = MachineCheck(self._data, self)
            self.check.changed.connect(self._on_check_changed)
        return self.check

    @Slot()
    def _show_machine(self) -> None:
        machine, devices, speed = self._machine.now(), self._machine.devices, self._machine.speed
        self._look_at(self.known())
        if self._chat.shows("first"):
            self._show_first(machine)
        if self._fits is None or self._gets is None:
            return
        import psutil

        from app.models.advice import recommended
        from app.ui.models.fit_controls import Here

        named = {device.name: device.description for device in devices}
        cards = ", ".join(named[card.name] for card in machine.cards)
        self._fits.show_machine(Here(machine, cards, psutil.virtual_memory().total, speed))
        self._show_loaded(self._screen.model)
        best = recommended(machine, speed) if speed is not None else ""
        self._gets.show_machine(machine, speed, best)
        unused = self._machine.unused()
        for said in self._unused_cards:
            said.tell(unused)

    def _look_at(self, files: Sequence[ModelFile]) -> None:
        """Find out which of them fit, once the engine has told which cards there are, where that is seen."""
        if self._machine.devices and self._is_seen:
            self._made_file_fits().look([file.path for file in files], self._machine.now())

    @Slot()
    def _on_machine_outdated(self) -> None:
        if self._is_seen:
            self._machine.ask()

    @property
    def _is_seen(self) -> bool:
        """Whether a page that tells of files is shown."""
        return self._chat.shows("first") or (self._page is not None and self._page.isVisible())

    @Slot(object)
    def _show_loaded(self, model: ModelChanged | None) -> None:
        if self._fits is not None:
            ready = model is not None and model.state is ModelState.READY
            loaded = (model.name, model.model) if model is not None and ready else ("", None)
            self._fits.show_loaded(*loaded, self._pace.tokens, self._pace.picture)

    @Slot(object)
    def _on_need_asked(self, path: Path) -> None:
        """*What fits* is to be about this file."""
        self._planned = path
        self._made_file_fits().ask(path, self._machine.now())

    @Slot(object)
    def _on_fit_told(self, fit: FileFit) -> None:
        if fit.path != self._planned or self._fits is None or self._page is None:
            return
        self._planned = None
        self._fits.show_file(fit.path, fit.need)
        self._page.show_part(FITS)

    @Slot()
    def _on_check_changed(self) -> None:
        """What the check set aside holds at once; it wrote the settings itself, in another process."""
        report = self.check.report if self.check is not None and not self.check.running else None
        if report is None or not report.check:
            return
        settings = self._screen.settings
        load = report.set_aside.applied(settings.load)
        if load != settings.load:
            self._actions.change_settings(msgspec.structs.replace(settings, load=load))

    @Slot(str)
    def _on_licence_accepted(self, address: str) -> None:
        settings = self._screen.settings
        accepted = (*settings.licences, (address, date.today().isoformat()))
        self._actions.change_settings(msgspec.structs.replace(settings, licences=accepted))

    def _show_files(self) -> None:
        if self._files is not None:
            from app.models.away import away

            loaded = self.model.model
            files, path = self.known(), Path(loaded.path) if loaded is not None else None
            self._files.show_files([*files, *self.others.unusable], path, away(self._paths))
            if self._about is not None:
                self._about.show_files(files, path)
            if self._fits is not None:
                self._fits.show_files(files)
            self._look_at(files)

    @Slot(object)
    def _on_remove_asked(self, path: Path) -> None:
        from app.core.errors import UserError
        from app.models.downloads import Downloads

        try:
            Downloads(self._paths.models).remove(path)
        except UserError as error:
            self._screen.show_notice(error.message)
        self._show_files()
        for cards in (self._gets, self._offers):
            if cards is not None:
                cards.refresh()

    @Slot(object)
    def _on_model_used(self, path: Path) -> None:
        self.leave_page()
        self.choose(path)

    @Slot(object)
    def _on_image_part_asked(self, path: Path) -> None:
        self.leave_page()
        self._actions.browse_image_part(path)

    @Slot(object, object)
    def _on_plan_chosen(self, plan: LoadOptions, file: Path | None) -> None:
        settings = self._screen.settings
        named = {name: getattr(plan, name) for name in ("context", "kv_type", "gpu_layers", "images")}
        load = msgspec.structs.replace(settings.load, **named)
        self._actions.change_settings(msgspec.structs.replace(settings, load=load))
        if file is not None:
            self.choose(file)
        self.leave_page()

    @Slot(object)
    def _on_settings_shown(self, settings: object) -> None:
        for cards in (self._gets, self._offers):
            if cards is not None:
                cards.show_settings(self._screen.settings)
        self._show_files()

    @Slot()
    def _on_pill_clicked(self) -> None:
        from app.ui.model_menu import ModelMenu

        actions = self._actions
        menu = ModelMenu(
            self._look,
            self._chat.top.pill,
            self.model,
            choose=self.choose,
            browse=actions.browse_model,
            cancel=actions.cancel_load,
            unload=actions.unload,
            more=self.open_page,
            fits=lambda: self.open_page(FITS),
        )
        menu.show_files(self.known())
        menu.open_below()
        self.files_known.connect(menu.show_files)
        self.others.look()

    # the first page

    @Slot(bool)
    def _on_page_due(self, comes: bool) -> None:
        first = self._chat.first
        if self._offers is None:
            from app.ui.models.first import models

            self._offers = self._made_cards(models())
            first.set_offers(self._offers.cards)
            self._made_downloader().changed.connect(self._on_download_changed)
            self._made_file_fits().told.connect(first.rows.show_fit)
        if comes:
            self._on_download_changed()
            self._machine.ask()
            self.others.look()
        first.show_demo(there=self.model.demo)
        first.show_files(self.known())

    def _show_first(self, machine: Machine) -> None:
        """What the first page says of this machine and offers."""
        import psutil

        from app.ui.models.first import facts, offered

        devices, speed = self._machine.devices, self._machine.speed
        says, best, ids = offered(machine, speed)
        if self._offers is not None:
            self._offers.show_machine(machine, speed, best)
        total = psutil.virtual_memory().total
        self._chat.first.show_machine(says, facts(machine, devices, total, self._paths.models, ids[0]), ids)
        self._chat.first.unused_card.tell(self._machine.offered())

    @Slot()
    def _on_download_changed(self) -> None:
        loader = self.downloader
        if loader is not None and self._chat.shows("first"):
            self._chat.first.show_downloading(loader.host if loader.running else "")

    @Slot()
    def _on_others_changed(self) -> None:
        files = self.known()
        self.files_known.emit(files)
        self._show_files()
        if self._chat.shows("first"):
            self._chat.first.show_files(files)
            self._look_at(files)
