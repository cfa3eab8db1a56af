"""Prints the measures of the house: files, their length, floors, cycles, comments, comprehensions, types said as `Any`.

`python docs/house.py` measures this checkout; `python docs/house.py FOLDER …` measures others beside it.
"""

from __future__ import annotations

import ast
import io
import re
import statistics
import sys
import tokenize
from collections.abc import Iterable, Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]

COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)

FLOORS = (
    ("base",),
    ("core", "models"),
    ("curate", "release"),
    ("sources", "evaluate", "baselines"),
    ("stages",),
    ("recipes",),
    ("cli", "__main__"),
)
"""Rooms of the package from the lowest floor to the highest; a room imports rooms of lower floors only."""


def floor(room: str) -> int | None:
    """Returns the floor of a room, from 1 on; None where the table does not contain it."""
    for number, rooms in enumerate(FLOORS, start=1):
        if room in rooms:
            return number
    return None


ROOMS = [room for rooms in FLOORS for room in rooms if room != "__main__"]


def summary(path: Path, width: int = 92) -> str:
    """Returns the first sentence of a module's docstring, cut at a comma, colon or semicolon where it is too long."""
    text = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
    sentence = re.split(r"\.(?: (?=[A-Z`])|$)", " ".join(text.split("\n\n")[0].split()))[0]
    if len(sentence) > width:
        cut = max(sentence.rfind(mark, 0, width) for mark in ",;:")
        sentence = sentence[:cut] if cut > width // 3 else sentence[: sentence.rfind(" ", 0, width)] + " …"
    return sentence


def tree(package: Path) -> str:
    """Returns the files of the package by floor and room, the highest floor first, each with its first sentence."""
    lines = ["roco/"]
    lines += [_line(1, path) for path in (package / "__init__.py", package / "__main__.py")]
    for number, rooms in reversed(list(enumerate(FLOORS, start=1))):
        for room in rooms:
            if (package / room).is_dir():
                lines += ["", f"  {room}/  (floor {number})"]
                lines += [_line(len(path.relative_to(package).parts), path) for path in _ordered(package / room)]
    return "\n".join(lines)


def _ordered(folder: Path) -> Iterator[Path]:
    """Yields the modules of a folder, its `__init__.py` first and the folders inside it last."""
    files = sorted(folder.glob("*.py"), key=lambda path: (path.name != "__init__.py", path.name))
    yield from files
    for inner in sorted(path.parent for path in folder.glob("*/__init__.py")):
        yield from _ordered(inner)


def _line(depth: int, path: Path) -> str:
    name = f"{path.parent.name}/{path.name}" if depth > 2 else path.name
    return f"{'  ' * depth}{name}".ljust(32) + f"  {summary(path)}"


def room_of(module: str) -> str:
    """Returns the room of a module: `core` for `roco.core.stage`; "" for `roco` itself."""
    return module.split(".")[1] if "." in module else ""


def modules(package: Path) -> dict[str, Path]:
    """Returns all modules of a package by dotted name."""
    found = {}
    for path in sorted(package.rglob("*.py")):
        parts = path.relative_to(package.parent).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


def imports(path: Path, known: Iterable[str], *, lazy: bool = True) -> set[str]:
    """Returns the modules among `known` that a file imports, in whatever way the file does it.

    That includes imports inside functions and under `TYPE_CHECKING`, and strings that name a module: the argument of
    `importlib.import_module`, or `-m roco.x` of a command. The package of a data file is not an import.

    lazy: False returns only what importing the file executes: statements outside functions and `TYPE_CHECKING`.
    """
    known = set(known)
    found = set()
    for node in _statements(ast.parse(path.read_text(encoding="utf-8")), lazy):
        if isinstance(node, ast.ImportFrom) and node.module and not node.level:
            for alias in node.names:
                submodule = f"{node.module}.{alias.name}"
                found.add(submodule if submodule in known else node.module)
        elif isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif lazy and isinstance(node, ast.Constant) and isinstance(node.value, str):
            found |= {word.partition(":")[0] for word in node.value.split() if word.startswith("roco.")}
    return found & known


def _statements(tree: ast.Module, lazy: bool) -> Iterator[ast.AST]:
    """Yields all nodes of a file, without those of functions and `TYPE_CHECKING` blocks where `lazy` is False."""
    waiting: list[ast.AST] = [tree]
    while waiting:
        node = waiting.pop()
        if not lazy and isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            continue
        if not lazy and isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            waiting += node.orelse
            continue
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "resources.files":
            continue
        yield node
        waiting += ast.iter_child_nodes(node)


def cycles(graph: dict[str, set[str]]) -> list[list[str]]:
    """Returns the groups of nodes that reach each other (strongly connected components), each group sorted."""
    reached = {node: _reachable(graph, node) for node in graph}
    groups: list[list[str]] = []
    done: set[str] = set()
    for node in sorted(graph):
        if node in done or node not in reached[node]:
            continue
        group = [other for other in sorted(reached[node]) if node in reached.get(other, set())]
        done.update(group)
        groups.append(group)
    return groups


def _reachable(graph: dict[str, set[str]], start: str) -> set[str]:
    """Returns the nodes that a path of at least one step leads to."""
    reached: set[str] = set()
    waiting = list(graph.get(start, ()))
    while waiting:
        node = waiting.pop()
        if node not in reached:
            reached.add(node)
            waiting += graph.get(node, ())
    return reached


def measure(root: Path) -> dict[str, str]:
    """Returns the measures of the package in a checkout, in words and numbers."""
    package = root / "roco"
    found = modules(package)
    texts = {name: path.read_text(encoding="utf-8") for name, path in found.items()}
    trees = {name: ast.parse(text) for name, text in texts.items()}
    lengths = {name: text.count("\n") for name, text in texts.items() if text.strip()}
    total = sum(lengths.values())
    longest = max(lengths, key=lambda name: lengths[name])
    comments = sum(map(_comments, texts.values()))
    comprehensions = sum(isinstance(node, COMPREHENSIONS) for tree in trees.values() for node in ast.walk(tree))
    annotations = [note for tree in trees.values() for note in _annotations(tree)]
    with_any = sum("Any" in {n.id for n in ast.walk(note) if isinstance(n, ast.Name)} for note in annotations)
    graph = {name: imports(path, found) - {name} for name, path in found.items()}
    loaded = {name: imports(path, found, lazy=False) - {name} for name, path in found.items()}
    at_the_top = [path for path in package.glob("*.py") if path.name not in ("__init__.py", "__main__.py")]
    rooms = [path for path in package.iterdir() if (path / "__init__.py").exists()]
    return {
        "files": str(len(lengths)),
        "lines": f"{total:,}",
        "median file, lines": f"{statistics.median(lengths.values()):.0f}",
        "longest file, lines": f"{lengths[longest]} ({longest})",
        "files over 300 lines": str(sum(length > 300 for length in lengths.values())),
        "rooms": str(len(rooms)),
        "modules at the top": str(len(at_the_top)),
        "floors": str(_height(graph)),
        "upward or sideways imports between rooms": _upward(graph),
        "cycles of modules, lazy imports included": str(len(cycles(graph))),
        "cycles of modules when imported": str(len(cycles(loaded))),
        "comments per 100 lines": f"{100 * comments / total:.1f}",
        "comprehensions per 1,000 lines": f"{1000 * comprehensions / total:.1f}",
        "annotations that contain Any": f"{100 * with_any / len(annotations):.1f} %",
    }


def _comments(text: str) -> int:
    """Counts the comments of a file; directives to tools (`# fmt`, `# type`, `# noqa`) do not count."""
    tokens = tokenize.generate_tokens(io.StringIO(text).readline)
    words = [token.string for token in tokens if token.type == tokenize.COMMENT]
    return sum(not word.startswith(("# fmt", "# type", "# noqa", "#!")) for word in words)


def _annotations(tree: ast.Module) -> Iterator[ast.expr]:
    for node in ast.walk(tree):
        if isinstance(node, ast.AnnAssign) or (isinstance(node, ast.arg) and node.annotation):
            yield node.annotation
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.returns:
            yield node.returns


def _between_rooms(graph: dict[str, set[str]]) -> set[tuple[str, str]]:
    """Returns the pairs of rooms of which the first imports the second; the public face counts for nothing."""
    pairs = {(room_of(name), room_of(other)) for name, others in graph.items() for other in others}
    return {(room, other) for room, other in pairs if room and other and room != other}


def _height(graph: dict[str, set[str]]) -> int:
    """Returns the number of rooms on the longest way down, where rooms that import each other count as one step."""
    below: dict[str, set[str]] = {}
    for room, other in _between_rooms(graph):
        if room == "__main__":  # only starts the command
            continue
        below.setdefault(room, set()).add(other)
        below.setdefault(other, set())
    heights: dict[str, int] = {}

    def height(room: str, above: tuple[str, ...]) -> int:
        if room not in heights:
            others = [other for other in below[room] if other not in above]
            heights[room] = 1 + max((height(other, (*above, room)) for other in others), default=0)
        return heights[room]

    return max(height(room, ()) for room in below)


def _upward(graph: dict[str, set[str]]) -> str:
    """Counts imports that do not lead to a lower floor; in layouts without floors, rooms that import each other."""
    pairs = _between_rooms(graph)
    if any(floor(room) is None for pair in pairs for room in pair):
        rooms: dict[str, set[str]] = {}
        for room, other in pairs:
            rooms.setdefault(room, set()).add(other)
        tangled = cycles(rooms)
        return f"{sum(len(group) for group in tangled)} rooms import each other" if tangled else "0"
    return str(sum((floor(other) or 0) >= (floor(room) or 0) for room, other in pairs if room != "__main__"))


def main(folders: list[str]) -> None:
    columns = [measure(root) for root in [*map(Path, folders), ROOT]]
    names = [*(Path(folder).name for folder in folders), "this checkout"]
    print("| measure | " + " | ".join(names) + " |")
    print("|---|" + "---|" * len(names))
    for key in columns[0]:
        print(f"| {key} | " + " | ".join(column[key] for column in columns) + " |")


if __name__ == "__main__":
    main(sys.argv[1:])
