"""Run the watch alone: ``python -P -m services.watch``."""

from itaca.main import run_service
from services.watch.app import build
from services.watch.settings import WatchSettings

if __name__ == "__main__":
    run_service("watch", WatchSettings, build)
