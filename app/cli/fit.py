"""`cabochon models fit`: what a model needs of this machine's memory, part by part."""

from __future__ import annotations

from dataclasses import replace

import psutil

from app.cli.commands import ModelsFit
from app.cli.doctor import describe
from app.cli.link import SessionLink
from app.cli.opening import remembered_model
from app.cli.output import Output, one_line
from app.core.errors import ExitCode, ModelError
from app.core.paths import DataPaths, display_name
from app.core.settings import DEFAULT_CONTEXT, LoadOptions
from app.gguf.header import read_header
from app.models.catalogue import USUAL, cards, catalogue_shape, known_model
from app.models.choice import Alternative, alternatives, in_a_sentence
from app.models.encoder import encoder_beside
from app.models.machine import machine_of, on_card
from app.models.memory import KV_BYTES, Machine, Plan, Setup, Verdict, in_gib, place
from app.models.shape import Shape, shape_of

CONTEXTS = tuple(1024 << power for power in range(8))  # 1K to 128K
_MARKS = {Verdict.FITS: "card", Verdict.PARTIAL: "part", Verdict.RAM: "memory", Verdict.NO: "no"}


def run_fit(command: ModelsFit, paths: DataPaths, output: Output) -> ExitCode:
    """Print the plan of a model file. Raises ModelError for one that cannot be read."""
    file, here = command.model, Machine((), psutil.virtual_memory().available)
    if file is None or command.gpu_memory is None:
        with SessionLink(paths) as link:
            file = file or remembered_model(link)
            if command.gpu_memory is None:
                here = machine_of(describe(link).devices, link.ask(lambda session: session.settings.load))
    if file is None:
        raise ModelError("No model is chosen. Name one: cabochon models fit FILE.gguf.", "no_model")
    known = None if file.exists() else known_model(file.name)
    model, quantisation = known or (None, "")
    if model is None:
        header = read_header(file)
        shape, encoder = shape_of(header, display_name(file)), encoder_beside(file, header)
    else:
        shape, encoder = catalogue_shape(model, quantisation or USUAL), model.encoder
    ram = here.ram if command.ram is None else command.ram
    machine = replace(here, ram=ram) if command.gpu_memory is None else on_card(command.gpu_memory, ram)
    context = command.context or min(DEFAULT_CONTEXT, shape.trained_context or DEFAULT_CONTEXT)

    def planned(shape: Shape, context: int, kv_type: str, machine: Machine = machine) -> Plan:
        return place(shape, Setup(context, kv_type), machine, encoder)

    def holding() -> list[str]:
        plans = {card.name: planned(shape, context, command.kv, on_card(card.free, ram)) for card in cards()}
        return [name for name, made in plans.items() if made.verdict is Verdict.FITS]

    def others() -> tuple[Alternative, ...]:
        return alternatives(shape, LoadOptions(context=context, kv_type=command.kv), machine, encoder)

    made = planned(shape, context, command.kv)
    if command.json:
        told = [{"name": one.name, "words": in_a_sentence(one.plan), **_record(shape, one.plan)} for one in others()]
        output.record({**_record(shape, made), "cards": holding(), "alternatives": told})
    elif command.table:
        if model is not None and not quantisation:
            shapes = {one: catalogue_shape(model, one) for one in model.quantisations}
            rows = {one: [planned(found, at, command.kv) for at in _contexts(found)] for one, found in shapes.items()}
            _print_table(shape.name, f"{command.kv} cache", rows, output)
        else:
            rows = {kv: [planned(shape, at, kv) for at in _contexts(shape)] for kv in KV_BYTES}
            _print_table(shape.name, shape.quantisation, rows, output)
    else:
        _print(shape, made, output)
        for other in others():
            output.line(f"{other.name}: {in_a_sentence(other.plan)}.")
        output.line(f"Cards that hold all of it: {', '.join(holding()) or 'none of the common ones'}.")
    return ExitCode.DONE


def _contexts(shape: Shape) -> list[int]:
    return [context for context in CONTEXTS if not shape.trained_context or context <= shape.trained_context]


def _record(shape: Shape, made: Plan) -> dict[str, object]:
    return {
        "model": shape.name,
        "context": made.context,
        "kv_type": made.kv_type,
        "weights_bytes": made.weights,
        "kv_bytes": made.kv,
        "compute_bytes": made.compute,
        "vision_bytes": made.vision,
        "checkpoint_bytes": made.checkpoints,
        "embedding_copy_bytes": made.embedding_copy,
        "margin_bytes": made.margin,
        "total_bytes": made.total,
        "gpu_layers": made.gpu_layers,
        "layers": made.layers,
        "gpu_bytes": made.gpu,
        "ram_bytes": made.ram,
        "verdict": made.verdict.value,
        "why": made.why,
    }


def _print(shape: Shape, made: Plan, output: Output) -> None:
    output.line(f"{one_line(shape.name)}, context of {made.context} tokens, {made.kv_type} cache")
    for name, size in (
        ("weights", made.weights),
        ("KV cache", made.kv),
        ("working memory", made.compute),
        ("image encoder", made.vision),
        ("checkpoints", made.checkpoints),
        ("embedding copy", made.embedding_copy),
        ("margin", made.margin),
    ):
        if size:
            output.line(f"  {name:<16}{in_gib(size):>10}")
    output.line(f"  {'together':<16}{in_gib(made.total):>10}")
    output.line(made.why)


def _print_table(name: str, fixed: str, rows: dict[str, list[Plan]], output: Output) -> None:
    """Cache type or quantisation by context: GiB, and where it runs."""
    contexts = [f"{made.context // 1024}k" for made in next(iter(rows.values()))]
    output.line(f"{one_line(name)}, {fixed or 'unknown quantisation'}: memory needed in GiB")
    output.line(f"{'':<8}" + "".join(f"{context:>14}" for context in contexts))
    for label, row in rows.items():
        cells = (f"{made.total / (1 << 30):.1f} {_MARKS[made.verdict]}" for made in row)
        output.line(f"{label:<8}" + "".join(f"{cell:>14}" for cell in cells))
