"""Files and functions stay small, say what they are for, and have names of the domain."""

import ast

from tests.architecture.sources import EVERYTHING, PRODUCT, ROOT, services, sources

MOST_LINES_OF_A_FILE = 300
MOST_LINES_OF_A_FUNCTION = 50
FORBIDDEN_NAMES = {"utils", "util", "common", "helpers", "helper", "base", "manager", "misc"}
SERVICE_FILES = {"__init__.py", "__main__.py", "settings.py", "app.py", "handler.py"}
WITHOUT = {
    ("desk", "handler.py"),  # it reads no queue: its pages are routes/
    ("watch", "handler.py"),  # it reads no queue: its duties are drive.py, letters.py and books.py
}
MIGRATIONS = "itaca/storage/migrations/versions/"  # history, written once and never split again


def test_no_file_is_longer_than_three_hundred_lines() -> None:
    """A file that grows past the limit is split by decision."""
    long = {
        source.path: length
        for source in sources(*EVERYTHING)
        if (length := len(source.text.splitlines())) > MOST_LINES_OF_A_FILE and not source.path.startswith(MIGRATIONS)
    }
    assert long == {}


def test_no_function_is_longer_than_fifty_lines() -> None:
    """A function that grows past the limit is split by what its parts decide."""
    long = {
        f"{source.path}:{function.name}": length
        for source in sources(*EVERYTHING)
        for function in source.functions()
        if (length := (function.end_lineno or 0) - function.lineno + 1) > MOST_LINES_OF_A_FUNCTION
        and not source.path.startswith(MIGRATIONS)
    }
    assert long == {}


def test_every_module_opens_with_a_docstring() -> None:
    """Whoever opens a file reads first what it is for."""
    assert [source.path for source in sources(*EVERYTHING) if not ast.get_docstring(source.tree)] == []


def test_every_test_says_which_behaviour_it_states() -> None:
    """A failing test is read by its sentence before its code."""
    silent = [
        f"{source.path}:{function.name}"
        for source in sources("tests")
        for function in source.functions()
        if function.name.startswith("test_") and not ast.get_docstring(function)
    ]
    assert silent == []


def test_modules_have_names_of_the_domain() -> None:
    """Names that could hold anything will hold everything."""
    modules = {source.path: set(source.module.split(".")) & FORBIDDEN_NAMES for source in sources(*PRODUCT)}
    assert {path: names for path, names in modules.items() if names} == {}


def test_every_service_has_the_same_files() -> None:
    """Whoever knows one stage finds the way in every other."""
    missing = {
        (folder.name, name)
        for folder in services()
        for name in SERVICE_FILES
        if not (folder / name).exists() and (folder.name, name) not in WITHOUT
    }
    assert missing == set()


def test_a_service_package_holds_nothing_but_its_docstring() -> None:
    """Importing one part of a stage must not import another."""
    full = [
        source.path
        for source in sources("services")
        if source.path.endswith("/__init__.py") and len(source.tree.body) > 1
    ]
    assert full == []


def test_the_allowed_gaps_still_exist() -> None:
    """An exception that is no longer needed is struck off the list."""
    assert [gap for gap in WITHOUT if (ROOT / "services" / gap[0] / gap[1]).exists()] == []
