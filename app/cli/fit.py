"""`cabochon models fit`: what a model needs of this machine's memory, part by part, or as a table."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import psutil

from app.cli.commands import ModelsFit
from app.cli.doctor import describe
from app.cli.link import SessionLink
from app.cli.opening import remembered_model
from app.cli.output import Output, one_line
from app.core.errors import ExitCode, ModelError, UsageError
from app.core.paths import DataPaths
from app.core.settings import LoadOptions
from app.models import speed as pace
from app.models.catalogue import known_model
from app.models.choice import Alternative, alternatives, best, in_a_sentence
from app.models.machine import machine_of, on_card
from app.models.memory import Machine, Plan, Verdict, in_gib
from app.models.needs import need_of
from app.models.speed import Speed, measure
from app.models.table import (
    Asked,
    Row,
    Subject,
    Weights,
    holding,
    kind,
    of_model,
    of_shape,
    planned,
    size_name,
    table,
)

_MARKS = {"all": "card", "most": "part", "memory": "memory", "no": "no"}


@dataclass(frozen=True, slots=True)
class _Case:
    """One question: which weights of what, on which machine.

    `is_here` is whether its memory is this machine's, `is_open` whether neither context nor cache was asked for.
    """

    subject: Subject
    weights: Weights
    machine: Machine
    context: int
    asked: Asked
    is_here: bool
    is_open: bool

    @property
    def plan(self) -> Plan:
        """Context and cache as they were asked for."""
        return planned(self.weights.shape, self.context, self.machine, self.asked, self.subject.encoder)

    def cards(self, weights: Weights, kv_type: str = "") -> list[str]:
        """The common cards that hold all of these weights."""
        asked = replace(self.asked, kv_type=kv_type or self.asked.kv_type)
        return holding(weights.shape, self.context, self.machine.ram, asked, self.subject.encoder)

    @property
    def others(self) -> tuple[Alternative, ...]:
        """What else a person might want."""
        options = LoadOptions(context=self.context, kv_type=self.asked.kv_type)
        return alternatives(self.weights.shape, options, self.machine, self.subject.encoder)

    @property
    def by_itself(self) -> Plan | None:
        """What is chosen where a person chooses nothing; None where nothing runs, or something was asked for."""
        made = best(self.weights.shape, LoadOptions(), self.machine, self.subject.encoder)
        return made if self.is_open and made.verdict is not Verdict.NO else None

    def speed(self, made: Plan) -> Speed | None:
        """Measured where it says something of this plan."""
        is_told = made.gpu_layers == 0 or (made.vision and not made.encoder_on_card)
        return measure() if self.is_here and is_told else None


def run_fit(command: ModelsFit, paths: DataPaths, output: Output) -> ExitCode:
    """Print the plan of a model file. Raises ModelError for one that cannot be read."""
    file, image_part, machine = _asked_for(command, paths)
    subject, weights = _chosen(file, image_part, command.quantisation)
    context = command.context or subject.contexts[subject.usual_context]
    case = _Case(
        subject,
        weights,
        machine,
        context,
        Asked(command.kv or "f16"),
        command.ram is None,
        not (command.context or command.kv),
    )
    named = bool(command.quantisation) or ":" in file.name
    tabled = subject if subject.caches or not named else subject.only(subject.weights.index(weights))
    if command.json:
        output.record(_told(case, tabled if command.table else None))
    elif command.table:
        _print_table(case, tabled, output)
    else:
        _print(case, output)
    return ExitCode.DONE


def _asked_for(command: ModelsFit, paths: DataPaths) -> tuple[Path, str, Machine]:
    """The file or name, the image part that was named for it ("" none), and the machine.

    The engine is asked for the cards where none was named.
    """
    here = Machine((), psutil.virtual_memory().available)
    with SessionLink(paths) as link:
        file, settings = command.model or remembered_model(link), link.ask(lambda session: session.settings)
        if command.gpu_memory is None:
            here = machine_of(describe(link).devices, settings.load)
    if file is None:
        raise ModelError("No model is chosen. Name one: cabochon models fit FILE.gguf.", "no_model")
    ram = here.ram if command.ram is None else command.ram
    image_part = dict(settings.image_parts).get(str(file.absolute()), "")
    return file, image_part, replace(here, ram=ram) if command.gpu_memory is None else on_card(command.gpu_memory, ram)


def _chosen(file: Path, image_part: str, quantisation: str) -> tuple[Subject, Weights]:
    """What is planned. Raises ModelError for a file that tells no shape, UsageError for a quantisation that is none."""
    name, _, told = file.name.partition(":")
    known = None if file.exists() else known_model(name)
    if known is None:
        need = need_of(file, image_part)
        if need.shape is None:
            raise ModelError(need.error, "shape")
        if quantisation:
            raise UsageError(f"{file.name} has its own quantisation; --quant is for names such as gemma-3-12b.")
        subject = of_shape(need.shape, need.encoder)
        return subject, subject.weights[0]
    if told and quantisation:
        raise UsageError("The quantisation is named twice.")
    subject, wanted = of_model(known[0]), told or quantisation
    number = subject.named(wanted) if wanted else subject.usual
    if number is None:
        names = ", ".join(each.name for each in subject.weights)
        raise UsageError(f"{subject.name} has no quantisation {wanted}. There is {names}.")
    return subject, subject.weights[number]


def _told(case: _Case, tabled: Subject | None) -> dict[str, object]:
    made = case.plan
    speed = case.speed(made)
    record = {
        **_record(case.subject, made),
        "quantisation": case.weights.name,
        "tokens_per_second": pace.tokens_a_second(made, speed),
        "image_seconds": pace.picture_seconds(made, speed),
        "cards": case.cards(case.weights),
        "alternatives": [
            {"name": one.name, "words": in_a_sentence(one.plan, made.kv_type), **_record(case.subject, one.plan)}
            for one in case.others
        ],
    }
    if tabled is not None:
        record["table"] = [
            {
                "name": row.name,
                "cells": [_record(case.subject, cell) for cell in row.cells],
                "cards": case.cards(row.weights, row.cells[0].kv_type),
            }
            for row in table(tabled, case.machine, case.asked)
        ]
    return record


def _record(subject: Subject, made: Plan) -> dict[str, object]:
    return {
        "model": subject.name,
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


def _print(case: _Case, output: Output) -> None:
    made = case.plan
    name = f"{one_line(case.subject.name)}, {case.weights.name or 'unknown quantisation'}"
    output.line(f"{name}, context of {made.context} tokens, {made.kv_type} cache")
    for part, size in (
        ("weights", made.weights),
        ("KV cache", made.kv),
        ("working memory", made.compute),
        ("image encoder", made.vision),
        ("checkpoints", made.checkpoints),
        ("embedding copy", made.embedding_copy),
        ("margin", made.margin),
    ):
        if size:
            output.line(f"  {part:<16}{in_gib(size):>10}")
    output.line(f"  {'together':<16}{in_gib(made.total):>10}")
    output.line(" ".join(filter(None, (made.why, pace.in_a_sentence(made, case.speed(made))))))
    if chosen := case.by_itself:
        output.line(f"Chosen by itself: {in_a_sentence(chosen, made.kv_type)}.")
    for other in case.others:
        output.line(f"{other.name}: {in_a_sentence(other.plan, made.kv_type)}.")
    output.line(f"Cards that hold all of it: {_listed(case.cards(case.weights))}.")


def _print_table(case: _Case, tabled: Subject, output: Output) -> None:
    """GiB, and where it runs; then the common cards that hold each row."""
    rows = table(tabled, case.machine, case.asked)
    fixed = (case.weights.name or "unknown quantisation") if tabled.caches else f"{case.asked.kv_type} cache"
    output.line(f"{one_line(case.subject.name)}, {fixed}: memory needed in GiB")
    output.line(f"{'':<12}" + "".join(f"{size_name(context):>13}" for context in tabled.contexts))
    for row in rows:
        cells = (f"{made.total / (1 << 30):.1f} {_MARKS[kind(made)]}" for made in row.cells)
        output.line(f"{row.name:<12}" + "".join(f"{cell:>13}" for cell in cells) + _note(row))
    output.line(f"Cards that hold all of it at {size_name(case.context)}:")
    for row in rows:
        output.line(f"{row.name:<12} {_listed(case.cards(row.weights, row.cells[0].kv_type))}")


def _note(row: Row) -> str:
    return f"  {row.note}" if row.note else ""


def _listed(cards: list[str]) -> str:
    return ", ".join(cards) or "none of the common ones"
