"""Logs: one form for all, nothing of an exception's text from libraries, and never a failure of the caller's."""

import io
import json
import logging
import sys

import pytest
import structlog

from itaca.observability.logs import PatientStream, configure_logs


def test_a_log_that_cannot_be_written_costs_nobody_anything(monkeypatch: pytest.MonkeyPatch) -> None:
    """With standard error closed, our events and the libraries' are lost in silence."""
    closed = io.StringIO()
    closed.close()
    monkeypatch.setattr(sys, "stderr", closed)
    configure_logs("info")
    structlog.get_logger().error("ingest.session_failed", error="ValueError")
    logging.getLogger("aiormq").warning("connection lost")
    assert closed.closed


def test_lost_lines_are_counted() -> None:
    """Whoever wants to know can ask how many lines were lost."""
    full = io.StringIO()
    full.close()
    stream = PatientStream(full)
    assert stream.write("one") == 3
    stream.flush()
    assert stream.lost >= 1


def test_libraries_log_in_our_form_and_without_the_text_of_exceptions(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """A library's traceback becomes one JSON line that names its type only."""
    configure_logs("info")
    try:
        raise ConnectionError("password=segreto of anna@posta.example")
    except ConnectionError:
        logging.getLogger("aiormq.connection").exception("Connection failed\nsecond line")
    (line,) = capsys.readouterr().err.splitlines()
    said = json.loads(line)
    assert said["library"] == "aiormq.connection"
    assert said["event"] == "Connection failed"
    assert said["error"] == "ConnectionError"
    assert "segreto" not in line
