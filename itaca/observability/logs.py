"""Logs: structlog, one JSON line per fact on standard error; readable lines on a terminal."""

import logging
import sys

import structlog

_QUIET = ("aio_pika", "aiormq", "mail.log", "asyncio", "sqlalchemy", "alembic", "uvicorn", "aiosmtplib")


def configure_logs(level: str) -> None:
    """Set up logging for this process; ``level`` is debug, info, warning or error.

    Libraries that log what they carry (bodies, commands, addresses) are kept at warning.
    """
    number = logging.getLevelNamesMapping()[level.upper()]
    logging.basicConfig(
        level=logging.WARNING, stream=sys.stderr, format="%(levelname)s %(name)s %(message)s", force=True
    )
    for name in _QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)
    renderer: structlog.typing.Processor = (
        structlog.dev.ConsoleRenderer() if sys.stderr.isatty() else structlog.processors.JSONRenderer()
    )
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=False,
    )
