"""Build the ingest stage: the only place that chooses its adapters."""

import logging

from itaca.errors import ConfigurationError
from itaca.process import Parts, Stage
from itaca.readers import ReaderLimits
from itaca.reading import open_dispatcher
from itaca.storage.intake import Intake
from services.ingest.queue import DispatchQueue
from services.ingest.settings import IngestSettings
from services.ingest.stage import assemble


def build(parts: Parts, settings: IngestSettings) -> Stage:
    """Build the stage; it is bound to its port when this returns, and listens once it runs.

    Raises:
        ConfigurationError: the port is taken, or the settings do not fit this machine.
    """
    problems = settings.problems()
    if problems:
        raise ConfigurationError(problems)
    # aiosmtpd logs commands and addresses, which belong in no log; what matters is logged by this stage.
    logging.getLogger("mail.log").setLevel(logging.CRITICAL)
    limits = ReaderLimits(
        processes=settings.readers,
        wall_s=settings.reader_wall_s,
        cpu_s=settings.reader_cpu_s,
        memory_bytes=settings.reader_memory_bytes,
    )
    queue = DispatchQueue(open_dispatcher(parts, limits), settings.queue_mails, settings.queue_bytes)
    return assemble(parts, settings, Intake(parts.database, parts.clock, parts.rng), queue)
