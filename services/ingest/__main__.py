"""Run ingest alone: ``python -P -m services.ingest``."""

from itaca.main import run_service
from services.ingest.app import build
from services.ingest.settings import IngestSettings

if __name__ == "__main__":
    run_service("ingest", IngestSettings, build)
