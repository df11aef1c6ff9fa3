"""The one file that the modules of the exported program become, with what they use of autoseg itself."""

from __future__ import annotations

import ast
import sys
from collections import defaultdict
from collections.abc import Iterable
from functools import cache
from importlib.util import find_spec
from pathlib import Path

# In order of need: the program's own modules, and those of autoseg that need nothing else.
MODULES = (
    "dataset_fingerprints.geometry",
    "autoseg.preprocessing.ranges",
    "autoseg.preprocessing.views",
    "autoseg.preprocessing.resampling",
    "autoseg.preprocessing.rounding",
    "autoseg.preprocessing.white_stripe",
    "autoseg.models.portable.program.files",
    "autoseg.models.portable.program.scans",
    "autoseg.preprocessing.labels",
    "autoseg.models.portable.program.networks",
    "autoseg.models.portable.program.masks",
    "autoseg.models.portable.program.predict",
)
_OWN = ("dataset_fingerprints", "planners", "autoseg")
_MISSING = """\
except ModuleNotFoundError as error:
    raise SystemExit(f"{error}. Install what this program needs: pip install numpy scipy nibabel onnxruntime") from None
"""
NAME, ENTRY = "predict.py", "__main__.py"
# `python model.zip` begins here.
ENTRY_TEXT = """\
import signal
import sys

# While packages are imported, Ctrl-C ends it without a traceback.
if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
    signal.signal(signal.SIGINT, signal.SIG_DFL)

import predict

sys.exit(predict.main())
"""


@cache
def assemble() -> str:
    """Return the text of the program: the last module's docstring, all imports, then what the modules define."""
    sources = [_read(name) for name in MODULES]
    parsed = [ast.parse(source) for source in sources]
    imports = _join_imports([node for tree in parsed for node in tree.body if _is_import(node)])
    docstring = ast.get_docstring(parsed[-1]) or ""
    bodies = [_cut_body(source, tree) for source, tree in zip(sources, parsed, strict=True)]
    head = ['"""' + docstring + '\n"""', "from __future__ import annotations", imports]
    return "\n\n".join([*head, *bodies]) + "\n"


def _read(name: str) -> str:
    spec = find_spec(name)
    assert spec is not None
    assert spec.origin is not None
    return Path(spec.origin).read_text(encoding="utf-8")


def _is_import(node: ast.stmt) -> bool:
    return isinstance(node, ast.Import | ast.ImportFrom)


def _join_imports(nodes: Iterable[ast.stmt]) -> str:
    """Return the imports of what is not autoseg's own, each module once."""
    whole: set[str] = set()
    parts: dict[str, set[str]] = defaultdict(set)
    for node in nodes:
        if isinstance(node, ast.Import):
            whole |= {ast.unparse(ast.Import(names=[name])) for name in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and node.module.partition(".")[0] not in _OWN:
            parts[node.module] |= {ast.unparse(name) for name in node.names}
    del parts["__future__"]
    lines = sorted(whole) + [
        f"from {module} import {', '.join(sorted(names))}" for module, names in sorted(parts.items())
    ]
    needed = [line for line in lines if line.split()[1].partition(".")[0] not in sys.stdlib_module_names]
    guarded = ["try:", *(f"    {line}" for line in needed), *_MISSING.splitlines()]
    return "\n".join([*(line for line in lines if line not in needed), "", *guarded])


def _cut_body(source: str, tree: ast.Module) -> str:
    """Return what follows a module's docstring and its imports, which come first."""
    last = max(node.end_lineno or 0 for node in tree.body[:1] + [node for node in tree.body if _is_import(node)])
    return "\n".join(source.splitlines()[last:]).strip("\n")
