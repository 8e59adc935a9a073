"""The repository's Python files, as the architecture tests look at them."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path

ROOT = Path(__file__).parents[2]
PRODUCT = ("itaca", "services")
EVERYTHING = (*PRODUCT, "benchmarks", "docs", "tests")
Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True)
class Source:
    """One file: its path from the root and its text; what it is made of is found out once, when it is asked for."""

    path: str
    text: str

    @property
    def module(self) -> str:
        return self.path.removesuffix(".py").replace("/", ".").removesuffix(".__init__")

    @cached_property
    def tree(self) -> ast.Module:
        return ast.parse(self.text)

    @cached_property
    def nodes(self) -> tuple[ast.AST, ...]:
        """Every node of the syntax tree."""
        return tuple(ast.walk(self.tree))

    def functions(self) -> Iterator[Function]:
        """Yield every function and method, nested ones included."""
        for node in self.nodes:
            if isinstance(node, Function):
                yield node

    def imported(self) -> Iterator[tuple[str, int]]:
        """Yield each imported module, and each imported name with its module before it, with the line."""
        for node in self.nodes:
            if isinstance(node, ast.Import):
                yield from ((alias.name, node.lineno) for alias in node.names)
            elif isinstance(node, ast.ImportFrom) and node.module:
                yield node.module, node.lineno
                yield from ((f"{node.module}.{alias.name}", node.lineno) for alias in node.names)

    @cached_property
    def calls(self) -> tuple[tuple[str, int], ...]:
        """Each call by its dotted name (``self._x.publish``), with the line."""
        return tuple((_dotted(node.func), node.lineno) for node in self.nodes if isinstance(node, ast.Call))


@cache
def sources(*folders: str) -> tuple[Source, ...]:
    """Return the files below these folders, in order."""
    paths = sorted(path for folder in folders for path in (ROOT / folder).rglob("*.py"))
    return tuple(_source(path) for path in paths if "__pycache__" not in path.parts)


def services() -> list[Path]:
    """Return the folder of every service."""
    return sorted(path.parent for path in (ROOT / "services").glob("*/__init__.py"))


@cache
def _source(path: Path) -> Source:
    return Source(path.relative_to(ROOT).as_posix(), path.read_text(encoding="utf-8"))


def _dotted(node: ast.expr) -> str:
    """Return the source of an expression; most are names with dots, which need no unparsing."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        return f"{_dotted(node.value)}.{node.attr}"
    return ast.unparse(node)
