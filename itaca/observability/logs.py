"""Logs: structlog, one JSON line per fact on standard error; readable lines on a terminal.

Logging never fails its caller: a full disk or a closed pipe costs lines, not mail.
"""

import logging
import sys
import traceback
from pathlib import Path
from typing import TextIO

import structlog

_QUIET = ("aio_pika", "aiormq", "mail.log", "asyncio", "sqlalchemy", "alembic", "uvicorn", "aiosmtplib")
_MOST_FOREIGN = 300


class PatientStream:
    """A stream whose writing may fail without anybody noticing but the count of lost lines."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self.lost = 0

    def write(self, text: str) -> int:
        try:
            return self._stream.write(text)
        except (OSError, ValueError):
            self.lost += 1
            return len(text)

    def flush(self) -> None:
        try:
            self._stream.flush()
        except (OSError, ValueError):
            self.lost += 1

    def isatty(self) -> bool:
        return not self._stream.closed and self._stream.isatty()


def configure_logs(level: str) -> None:
    """Set up logging for this process; ``level`` is debug, info, warning or error.

    Libraries that log what they carry (bodies, commands, addresses) are kept at warning, and of what they say only
    one line without the text of an exception is kept, in the same form as our own.
    """
    number = logging.getLevelNamesMapping()[level.upper()]
    stream = PatientStream(sys.stderr)
    renderer: structlog.typing.Processor = (
        structlog.dev.ConsoleRenderer() if stream.isatty() else structlog.processors.JSONRenderer()
    )
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    structlog.configure(
        processors=[*shared, structlog.processors.format_exc_info, renderer],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=structlog.PrintLoggerFactory(stream),  # type: ignore[arg-type]
        cache_logger_on_first_use=False,
    )
    _take_in_libraries([*shared, _foreign], renderer, stream)


def place_of(error: BaseException) -> str:
    """Return where an error arose, as ``file.py:12``: its text may hold anybody's data, its place holds none."""
    frames = traceback.extract_tb(error.__traceback__)
    return f"{Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else ""


def _take_in_libraries(
    before: list[structlog.typing.Processor], renderer: structlog.typing.Processor, stream: PatientStream
) -> None:
    """Give what libraries log by the standard library the same form and the same stream."""
    handler = logging.StreamHandler(stream)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=before,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
        )
    )
    logging.raiseExceptions = False
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)
    for name in _QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)


def _foreign(_: object, __: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
    """Keep one line of a library's message, its name, and the type of an exception, whose text may hold data."""
    record = event["_record"]
    lines = str(event.get("event", "")).splitlines() or [""]
    event["event"] = lines[0][:_MOST_FOREIGN]
    event["library"] = record.name
    if record.exc_info and record.exc_info[0] is not None:
        event["error"] = record.exc_info[0].__name__
    event.pop("exc_info", None)
    record.exc_info = record.exc_text = None
    return event
