"""What a command line asks for, as plain values: the parser makes them, the commands carry them out."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from app.core.message import PanAndScan
from app.core.settings import LoadOptions, Sampling


@dataclass(frozen=True, slots=True)
class ModelChoice:
    """Which model, and how it is loaded for this call; None follows what is remembered."""

    path: Path | None = None
    mmproj: Path | None = None
    context: int | None = None
    gpu_layers: int | None = None
    threads: int | None = None
    device: str | None = None
    kv_type: str | None = None

    def load_options(self, stored: LoadOptions) -> LoadOptions:
        """The stored options with what was named on the command line in their place."""
        named: dict[str, int | str | None] = {"context": self.context, "gpu_layers": self.gpu_layers}
        named |= {"threads": self.threads, "device": self.device, "kv_type": self.kv_type}
        return msgspec.structs.replace(stored, **{name: value for name, value in named.items() if value is not None})


def merge_sampling(stored: Sampling, named: Sampling) -> Sampling:
    """`stored` with the values that `named` sets in their place."""
    values = {name: value for name, value in msgspec.structs.asdict(named).items() if value is not None}
    return msgspec.structs.replace(stored, **values)


@dataclass(frozen=True, slots=True)
class AnswerOptions:
    """What `ask` and `chat` share. `conversation` is "new", "last" or an id; `system` None keeps what is set."""

    model: ModelChoice = field(default_factory=ModelChoice)
    conversation: str = "new"
    system: str | None = None
    sampling: Sampling = field(default_factory=Sampling)
    json: bool = False
    pan_and_scan: PanAndScan = PanAndScan.AUTO
    tools: str = "off"  # off | ask | auto
    only: frozenset[str] = frozenset()  # the tools that were named; none: the usual ones
    image_tokens: int = 0  # that a picture may take at most; 0: as usual
    pages: tuple[int, int] | None = None  # the first and the last of the PDFs that are attached; None: all


@dataclass(frozen=True, slots=True)
class Window:
    """Open the window."""

    model: Path | None = None
    sample: bool = False
    files: tuple[Path, ...] = ()


@dataclass(frozen=True, slots=True)
class Ask:
    """One turn; the prompt "-" is read from standard input."""

    prompt: str
    options: AnswerOptions
    images: tuple[Path, ...] = ()
    files: tuple[Path, ...] = ()


@dataclass(frozen=True, slots=True)
class Chat:
    """A chat on a terminal or through a pipe."""

    options: AnswerOptions


@dataclass(frozen=True, slots=True)
class ListConversations:
    """The sidebar's rows."""

    json: bool = False


@dataclass(frozen=True, slots=True)
class ShowConversation:
    """The active branch of one conversation; `conversation` is "last" or an id."""

    conversation: str
    json: bool = False


@dataclass(frozen=True, slots=True)
class Doctor:
    """What is here, what is wrong and how to mend it; `check` asks the self-check model known questions."""

    check: bool = False
    json: bool = False


@dataclass(frozen=True, slots=True)
class TryWindow:
    """Whether the window's libraries load, and nothing else: doctor asks it of a process of its own."""


@dataclass(frozen=True, slots=True)
class Bench:
    """Speed of prompt and answer."""

    model: ModelChoice = field(default_factory=ModelChoice)
    json: bool = False


@dataclass(frozen=True, slots=True)
class ModelsFit:
    """The memory plan of a model: a file, or a name of the catalogue (None: the remembered file).

    Memory in bytes; None is what this machine has. `quantisation` "" is the recommended one, `kv` "" is f16.
    """

    model: Path | None = None
    quantisation: str = ""
    context: int | None = None
    kv: str = ""
    gpu_memory: int | None = None
    ram: int | None = None
    table: bool = False
    json: bool = False


@dataclass(frozen=True, slots=True)
class ModelsScan:
    """The model files in these folders (none: in ours and those of other programs)."""

    folders: tuple[Path, ...] = ()
    json: bool = False


@dataclass(frozen=True, slots=True)
class ModelsGet:
    """Fetch a model by a name of the catalogue, with its image part unless `vision` is False."""

    name: str
    mirror: str = ""
    accept_licence: bool = False
    vision: bool = True
    json: bool = False


@dataclass(frozen=True, slots=True)
class ModelsRefresh:
    """Ask the hub for sizes and hashes of the catalogue's files."""

    mirror: str = ""
    json: bool = False


@dataclass(frozen=True, slots=True)
class ModelsShow:
    """What is known of a model: a file, or a name of the catalogue (None: the remembered file)."""

    model: Path | None = None
    json: bool = False


@dataclass(frozen=True, slots=True)
class ModelsList:
    """The models that Cabochon brought."""

    json: bool = False


@dataclass(frozen=True, slots=True)
class ModelsVerify:
    """Whether the bytes of a fetched file (None: of all) are those that came."""

    model: str | None = None
    json: bool = False


@dataclass(frozen=True, slots=True)
class ModelsRemove:
    """Delete a file that Cabochon brought; asks unless `yes`."""

    model: str
    yes: bool = False


@dataclass(frozen=True, slots=True)
class ModelsToken:
    """Keep the token of an account on the hub, or forget it."""

    forget: bool = False


Library = (
    ModelsFit
    | ModelsScan
    | ModelsShow
    | ModelsGet
    | ModelsRefresh
    | ModelsList
    | ModelsVerify
    | ModelsRemove
    | ModelsToken
)
Command = Window | Ask | Chat | ListConversations | ShowConversation | Doctor | TryWindow | Bench | Library


@dataclass(frozen=True, slots=True)
class Invocation:
    """One call of the program; `data_dir` None means the platform's own place."""

    command: Command
    data_dir: str | None = None
