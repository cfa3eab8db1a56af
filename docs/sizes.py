"""Prints what is large: files beyond 300 lines, functions beyond 40. A reason to look, not to shred."""

from __future__ import annotations

import ast
from pathlib import Path

ROOT = Path(__file__).parents[1]

files = [path for folder in ("roco", "tests", "benchmarks", "training") for path in ROOT.glob(f"{folder}/**/*.py")]
for path in sorted(files):
    text = path.read_text(encoding="utf-8")
    lines = text.count("\n")
    name = path.relative_to(ROOT)
    if lines > 300:
        print(f"{name}: {lines} lines")
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef) and (node.end_lineno or 0) - node.lineno + 1 > 40:
            print(f"{name}:{node.lineno} {node.name}: {(node.end_lineno or 0) - node.lineno + 1} lines")
