"""Calls and imports that have hurt projects of this shape, and the few places where one is right."""

import ast
from collections import Counter

from tests.architecture.sources import PRODUCT, sources

ALLOWED_BROAD_EXCEPT = {
    "itaca/broker/runner.py": 1,  # the queue runner: a bug costs neither the loop nor a message
    "itaca/main.py": 1,  # the end of every process
    "itaca/broker/amqp_calls.py": 1,  # the driver rejects waiting calls with whatever closed its connection
    "itaca/readers.py": 1,  # one mail must not cost its neighbours their reading
    "itaca/mail/read.py": 2,  # the last resort of the two ways into the reader, which never raises
    "itaca/mail/charsets.py": 1,  # a third-party detector over hostile bytes
    "itaca/mail/tnef.py": 1,  # a third-party parser over hostile bytes
}
UNPICKLING = {"pickle.load", "pickle.loads", "joblib.load", "cloudpickle.load", "cloudpickle.loads", "dill.load"}
UNPICKLES = "services/classifier/model.py"  # after the hash of the file was compared with the promoted manifest
DATABASE_ENGINES = ("sqlalchemy.create_engine", "sqlalchemy.ext.asyncio", "sqlalchemy.engine")
UNCONDITIONAL = {"pytest.mark.skip", "pytest.mark.xfail", "unittest.skip"}
DRIVERS = {"aio_pika", "aiormq", "pamqp"}


def test_everything_is_caught_only_where_it_must_be() -> None:
    """A broad except hides bugs: it stands in the named places and nowhere else."""
    found = Counter(
        source.path
        for source in sources(*PRODUCT)
        for node in source.nodes
        if isinstance(node, ast.ExceptHandler) and _is_broad(node) and not _raises_again(node)
    )
    assert dict(found) == ALLOWED_BROAD_EXCEPT


def test_nothing_is_unpickled_but_a_promoted_model() -> None:
    """Unpickling runs code: only the loader of models does it, and it checks the hash before."""
    found = {source.path for source in sources(*PRODUCT) for call, _ in source.calls if call in UNPICKLING}
    assert found == {UNPICKLES}
    assert _importing(tuple(UNPICKLING)) == [], "called by its whole name, so that it is seen here"


def test_nothing_evaluates_text_as_code() -> None:
    """No text, from wherever, becomes a program."""
    found = [
        f"{source.path}:{line}"
        for source in sources(*PRODUCT)
        for call, line in source.calls
        if call in ("eval", "exec")
    ]
    assert found == []


def test_html_is_not_read_with_the_parser_that_hostile_mail_stalls() -> None:
    """150 kB of hostile HTML keep html.parser busy for minutes; lxml is used within limits."""
    assert _importing(("html.parser",)) == []


def test_no_message_is_settled_by_a_context_manager() -> None:
    """aio-pika's ``process()`` rejects for good on any error; the runner decides how a message ends."""
    found = [
        f"{source.path}:{line}"
        for source in sources(*PRODUCT)
        for call, line in source.calls
        if call.endswith("message.process")
    ]
    assert found == []


def test_only_the_store_opens_databases() -> None:
    """Others may build queries; an engine or a connection of their own would have other guarantees."""
    found = [where for where in _importing(DATABASE_ENGINES) if not where.startswith("itaca/storage/")]
    assert found == []


def test_only_the_modules_named_amqp_know_rabbitmq() -> None:
    """The port, the runner and the in-memory broker stay free of the driver."""
    found = {
        source.path
        for source in sources("itaca/broker")
        for name, _ in source.imported()
        if name.split(".")[0] in DRIVERS
    }
    assert {path for path in found if not path.startswith("itaca/broker/amqp")} == set()


def test_tests_use_fakes_with_state_and_wait_for_facts() -> None:
    """A patched integration proves nothing, and a sleep is a guess that fails on a slow machine."""
    mocks = [where for where in _importing(("unittest.mock", "mock"), "tests") if "architecture" not in where]
    sleeps = [
        f"{source.path}:{line}" for source in sources("tests") for call, line in source.calls if call == "time.sleep"
    ]
    assert mocks + sleeps + _importing(("time.sleep",), "tests") == []


def test_no_test_is_skipped_without_a_condition() -> None:
    """A test that never runs is no test."""
    found = [
        f"{source.path}:{node.lineno}"
        for source in sources("tests")
        for node in source.nodes
        if isinstance(node, ast.Attribute) and node.attr in ("skip", "xfail") and ast.unparse(node) in UNCONDITIONAL
    ]
    assert found == []


def _is_broad(handler: ast.ExceptHandler) -> bool:
    named = ast.walk(handler.type) if handler.type is not None else [ast.Name("BaseException")]
    return any(isinstance(node, ast.Name) and node.id in ("Exception", "BaseException") for node in named)


def _raises_again(handler: ast.ExceptHandler) -> bool:
    """Cleaning up and raising the very same error again hides nothing."""
    last = handler.body[-1]
    return isinstance(last, ast.Raise) and last.exc is None


def _importing(names: tuple[str, ...], *folders: str) -> list[str]:
    return [
        f"{source.path}:{line}"
        for source in sources(*(folders or PRODUCT))
        for name, line in source.imported()
        if name in names or name.startswith(tuple(f"{prefix}." for prefix in names))
    ]
