"""One loaded model: header checks, weights, vocabulary, template and a context, made in order and freed in reverse."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from time import perf_counter

from app.core.errors import EngineError, ModelError
from app.core.paths import display_name
from app.core.protocol import ModelInfo
from app.core.settings import DEFAULT_CONTEXT, LoadOptions
from app.engine.context import Context
from app.engine.eyes import Eyes
from app.engine.file_pages import let_go, read_ahead
from app.engine.governor import ThreadGovernor, usable_cores
from app.engine.llama import (
    FLASH_ATTENTION,
    KV_TYPES,
    AbortFlag,
    ContextOptions,
    Llama,
    LlamaContext,
    LlamaFailure,
    LlamaModel,
    out_of_memory,
)
from app.engine.placing import Placement
from app.engine.projectors import Projector, find_projector, why_blind
from app.engine.prompting import PromptReader
from app.engine.vocabulary import TEMPLATE_KEY, TOKEN_TYPES_KEY, Vocabulary
from app.gguf.header import Header, in_words, parts, read_header
from app.gguf.naming import name_of
from app.models.machine import machine_of
from app.prompt.family import Family, family_of
from app.prompt.template import ChatTemplate
from app.prompt.tool_tokens import TokenFormat

_READ_AHEAD_SHARE = 0.85  # of the load's progress
_SMALLEST_CONTEXT = 256
_OFF = "Images are switched off (Settings, Model)."


@dataclass(frozen=True, slots=True)
class Files:
    """What a model is loaded from: its file, its image part, and the folder that keeps embeddings of pictures."""

    path: Path
    header: Header
    projector: Projector | None = None
    embeddings: Path | None = None


def check_files(path: Path, options: LoadOptions, mmproj: Path | None, embeddings: Path | None) -> Files:
    """Everything that can be refused before the model that is loaded is given up. Raises ModelError."""
    header = check_file(path, options)
    projector = find_projector(path, header, mmproj) if options.images != "off" else None
    return Files(path, header, projector, embeddings)


def check_file(path: Path, options: LoadOptions) -> Header:
    """The header of a chat model. Raises ModelError."""
    header = read_header(path, arrays=(TOKEN_TYPES_KEY,))
    name = display_name(path)
    kind = header.text("general.type")
    if header.architecture == "clip" or kind == "mmproj":
        raise ModelError(
            f"“{name}” is the image part of a model (mmproj), not the model itself. Choose the other file.",
            "mmproj",
        )
    if kind not in ("", "model") or not header.architecture or not header.tensors:
        but = f" but a {kind}" if kind not in ("", "model") else ""
        raise ModelError(f"“{name}” holds no chat model{but}.", "no_model")
    if header.is_ollamas:
        said = f"“{name}” is in a form that only Ollama reads: its image part is inside. Get the model here instead."
        raise ModelError(said, "ollama")
    if options.kv_type not in ("", *KV_TYPES) or options.flash_attention not in FLASH_ATTENTION:
        raise ModelError("The cache type or flash attention setting is unknown.", "options")
    if options.kv_type not in ("", "f16") and options.flash_attention == "off":
        raise ModelError(f"A {options.kv_type} cache needs flash attention. Switch it on, or choose f16.", "options")
    return header


class Model:
    """A model ready to chat. Worker's main thread. `free` gives all its memory back."""

    def __init__(
        self,
        library: Llama,
        files: Files,
        placement: Placement,
        flag: AbortFlag,
        progress: Callable[[float], None],
    ) -> None:
        """Loads. Raises ModelError ("cancelled" when the flag was set) or EngineError, with nothing left over."""
        started = perf_counter()
        path, header = files.path, files.header
        options = placement.options
        self.header = header
        self.options = options
        self._placement = placement
        self.flag = flag
        read_ahead(parts(path), flag, lambda fraction: progress(fraction * _READ_AHEAD_SHARE))
        self._llama = _load(library, path, placement, flag, progress)
        let_go(parts(path))
        self._llama_context: LlamaContext | None = None
        self.eyes: Eyes | None = None
        try:
            if not self._llama.answers:
                raise ModelError(f"“{display_name(path)}” is no chat model: it does not write text.", "no_model")
            family = family_of(header.architecture, header.text(TEMPLATE_KEY), name_of(header, path))
            self.vocabulary = Vocabulary(self._llama, header, family.control_tokens)
            framed = files.projector is None or files.projector.is_ours
            self.family, template = _template(header, path, family, self.vocabulary, framed=framed)
            self.governor = _governor(placement)
            is_off = options.images == "off"
            self._blind = _OFF if is_off else why_blind(path, header, library, self._llama, files.projector)
            if not self._blind and not template.shows_pictures():
                self._blind = "Its vocabulary or chat template has no place for pictures."
            if files.projector is not None and not self._blind:
                self.eyes = self._open_eyes(library, files.projector, files.embeddings)
            self.prompts = PromptReader(template, self.vocabulary, self.eyes, self.family.tools)
            self._llama_context = self._create_context()
            self.context = Context(self._llama_context, embeddings=self.eyes.embeddings if self.eyes else None)
        except BaseException:
            self.free()
            raise
        self.info = self._describe(library, files, (perf_counter() - started) * 1000)
        progress(1.0)

    def _open_eyes(self, library: Llama, projector: Projector, folder: Path | None) -> Eyes:
        return Eyes(
            library,
            self._llama,
            projector,
            self.flag,
            folder,
            self.options.threads or usable_cores(),
            device=self._placement.encoder,
            vocabulary=self.vocabulary.fingerprint,
        )

    def _create_context(self) -> LlamaContext:
        trained = self._llama.trained_context or DEFAULT_CONTEXT
        wanted = min(self.options.context or DEFAULT_CONTEXT, trained)
        together = self.eyes.projector.part.together if self.eyes else 0
        least = max(32, together)  # cells that see each other are evaluated in one batch
        batch = max(least, min(self.options.batch, wanted))
        options = ContextOptions(
            context=max(wanted, _SMALLEST_CONTEXT, 2 * least),
            batch=batch,
            threads=self.governor.threads,
            kv_type=self.options.kv_type,
            flash_attention=self.options.flash_attention,
        )
        try:
            return self._llama.create_context(options, self.flag)
        except LlamaFailure as error:
            raise EngineError(
                f"There is not enough memory for a context of {options.context:,} tokens. "
                "Choose a smaller context or a smaller cache type in the settings.",
                "memory",
            ) from error

    @property
    def llama(self) -> LlamaModel:
        """The weights."""
        return self._llama

    @property
    def llama_context(self) -> LlamaContext:
        """What `context` keeps account of."""
        assert self._llama_context is not None
        return self._llama_context

    def free(self) -> None:
        """Gives all memory back. Twice does no harm."""
        if self.eyes is not None:
            self.eyes.rest()
        if self._llama_context is not None:
            self._llama_context.free()
        self._llama.free()

    def _describe(self, library: Llama, files: Files, load_ms: float) -> ModelInfo:
        path = files.path
        layers = self._llama.n_layers + 1  # with the output layer, as llama.cpp counts them
        made, wanted = self._placement.plan, self.options.gpu_layers
        on_card = bool(made and made.gpu_layers) or (
            made is None and bool(machine_of(library.devices(), self.options).cards)
        )
        return ModelInfo(
            name=name_of(self.header, path),
            path=str(path),
            architecture=self.header.architecture,
            family=self.family.name,
            quantisation=self.header.quantisation,
            size_bytes=self.header.file_size,
            parameters=self._llama.parameters,
            context=self.llama_context.size,
            trained_context=self._llama.trained_context,
            gpu_layers=(layers if wanted < 0 else min(wanted, layers)) if on_card else 0,
            layers=self._llama.n_layers,
            vision=self.eyes is not None,
            fingerprint=self.vocabulary.fingerprint,
            recommended=self.family.recommended,
            load_ms=load_ms,
            image_side=self.eyes.projector.part.side if self.eyes else 0,
            image_tokens=self.eyes.projector.part.tokens if self.eyes else 0,
            image_choices=self.eyes.projector.part.choices if self.eyes else (),
            view_seconds=self.eyes.view_seconds if self.eyes else 0.0,
            blind=self._blind,
            kv_type=self.options.kv_type,
            encoder_on_card=self.eyes is not None and bool(self._placement.encoder),
            placed=made.why if made else "",
            trouble=library.trouble,
        )


def _template(
    header: Header, path: Path, family: Family, vocabulary: Vocabulary, *, framed: bool
) -> tuple[Family, ChatTemplate]:
    """The file's own template, or the family's where the file has none or one that is refused.

    The family comes back with the way to call tools that this file allows. `framed` is about pictures (ChatTemplate).
    """
    source = header.text(TEMPLATE_KEY)

    def compiled(text: str) -> tuple[Family, ChatTemplate]:
        told = family.tools if isinstance(family.tools, TokenFormat) else None
        ends = vocabulary.bos_text, vocabulary.eos_text
        template = ChatTemplate(text, vocabulary.control_tokens, *ends, told, framed=framed)
        if told is not None and template.tools is None:
            return replace(family, tools=told.instead), template
        return family, template

    if not source:
        if family.template is None:
            raise ModelError(f"“{display_name(path)}” has no chat template, so it cannot chat.", "template")
        return compiled(family.template)
    try:
        return compiled(source)
    except EngineError:
        if family.template is None:
            raise
        return compiled(family.template)


def _governor(placement: Placement) -> ThreadGovernor:
    """Where all layers are on cards the processor only looks words up: more threads would be woken for nothing."""
    threads = placement.options.threads
    if placement.plan is not None and placement.plan.gpu_layers == placement.plan.layers:
        return ThreadGovernor(threads or 1, fixed=True)
    return ThreadGovernor(threads or usable_cores(), fixed=threads > 0)


def _load(
    library: Llama, path: Path, placement: Placement, flag: AbortFlag, progress: Callable[[float], None]
) -> LlamaModel:
    told = 0.0

    def on_progress(fraction: float) -> bool:
        nonlocal told
        if fraction >= told + 0.01:
            told = fraction
            progress(_READ_AHEAD_SHARE + (1 - _READ_AHEAD_SHARE) * fraction)
        return not flag

    if flag:
        raise ModelError("Loading was given up.", "cancelled")
    try:
        layers = placement.options.gpu_layers
        return library.load_model(path, layers, on_progress, placement.devices, placement.split)
    except LlamaFailure as error:
        if flag:
            raise ModelError("Loading was given up.", "cancelled") from error
        raise _explained(path, error.detail) from error


def _explained(path: Path, detail: str) -> ModelError:
    """The words for a load that llama.cpp refused, from what it logged."""
    name = display_name(path)
    unknown = re.search(r"unknown model architecture: '([^']{1,60})'", detail)
    if unknown:
        return ModelError(
            f"“{name}” is a kind of model that this version does not know ({unknown[1]}).", "unknown_architecture"
        )
    if out_of_memory(detail):
        size = in_words(sum(part.stat().st_size for part in parts(path)))
        return ModelError(f"There is not enough memory for “{name}” ({size}). Choose a smaller model.", "memory")
    told = re.search(r"error loading model: (.+)", detail)
    reason = told[1] if told else "no reason was given"
    return ModelError(f"“{name}” cannot be loaded: it is damaged or of an unknown kind ({reason[:200]}).", "refused")
