"""A graphics card for tests: a backend made with a C compiler, which computes with the processor, right or wrong."""

from __future__ import annotations

import importlib.util
import os
import subprocess
from pathlib import Path

# Its device is the processor's under another kind, its backend the processor's with a look at every graph
# (ggml-backend-impl.h). `AT` is the width from which on the pooling of an image encoder meets with `FAULT`.
_SOURCE = """
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
typedef struct { void *functions[15], *registry, *context; } Device;
typedef struct { void *guid, *functions[16], *device, *context; } Backend;
typedef struct { int version; const char *(*name)(void *); size_t (*count)(void *); void *(*get)(void *, size_t);
                 void *(*address)(void *, const char *); void *context; } Registry;
typedef struct { int type; void *buffer; long sizes[4], strides[4]; int operation, parameters[16], flags;
                 void *sources[10]; } Tensor;
extern void *ggml_backend_cpu_reg(void), *ggml_backend_reg_dev_get(void *, size_t);
extern int ggml_graph_n_nodes(void *);
extern Tensor *ggml_graph_node(void *, int);
extern const char *ggml_op_desc(Tensor *);
static Device card, *processor;
static Registry registry;
static int (*computed)(void *, void *);
static int kind(void *device) { return 1; }
static const char *name(void *any) { return "Card0"; }
static const char *description(void *any) { return "A card of tests"; }
static size_t count(void *any) { return 1; }
static void *get(void *any, size_t index) { return &card; }
static int compute(void *backend, void *graph) {
    for (int place = 0; place < ggml_graph_n_nodes(graph); place++) {
        Tensor *node = ggml_graph_node(graph, place);
        if (!strcmp(ggml_op_desc(node), "POOL_2D") && ((Tensor *)node->sources[0])->sizes[0] >= AT) { FAULT; }
    }
    return computed(backend, graph);
}
static void *begun(void *device, const char *parameters) {
    Backend *made = BROKEN ? NULL : ((void *(*)(void *, const char *))processor->functions[5])(processor, parameters);
    if (!made) return NULL;
    computed = made->functions[12];
    made->functions[12] = compute; made->functions[0] = name; made->device = &card;
    return made;
}
void *ggml_backend_init(void) {
    Registry *own = ggml_backend_cpu_reg();
    processor = ggml_backend_reg_dev_get(own, 0);
    memcpy(&card, processor, sizeof card);
    card.functions[0] = name; card.functions[1] = description; card.functions[3] = kind; card.functions[5] = begun;
    card.registry = &registry;
    registry.version = own->version; registry.name = name; registry.count = count; registry.get = get;
    return &registry;
}
"""
FULL_SIZE = 64  # patches beside each other in an encoder of 896 pixels
SEES_OTHERWISE = "node->parameters[0] = 0"  # the largest value in place of the mean
CRASHES = "abort()"
HANGS = "for (;;) pause()"
SLOW = "sleep(3)"


def source(fault: str = "", at: int = 1, *, broken: bool = False) -> str:
    """The C of a backend with a card. A `broken` one cannot be begun with."""
    return f"#define AT {at}\n#define FAULT {fault}\n#define BROKEN {int(broken)}\n{_SOURCE}"


def package() -> Path:
    """The folder of the engine that is installed."""
    spec = importlib.util.find_spec("llama_cpp")
    assert spec is not None
    assert spec.origin is not None
    return Path(spec.origin).parent


def compiled(path: Path, code: str) -> Path:
    """A library of this C in the file `path`, linked to the installed engine's."""
    path.parent.mkdir(parents=True, exist_ok=True)
    compiler = [os.environ.get("CC", "cc"), "-shared", "-fPIC", "-w", "-x", "c", "-", "-o", str(path)]
    linked = ["-x", "none", *(str(package() / "lib" / f"libggml-{one}.so") for one in ("base", "cpu"))]
    subprocess.run([*compiler, *linked], input=code, text=True, check=True)
    return path


def addons_with_card(folder: Path, fault: str = "", at: int = 1) -> Path:
    """A folder of add-ons that has such a card, to be used with the installed engine."""
    return compiled(folder / "libggml-vulkan.so", source(fault, at)).parent
