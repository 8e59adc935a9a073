"""Run the desk alone: ``python -P -m services.desk``."""

from itaca.main import run_service
from services.desk.app import build
from services.desk.settings import DeskSettings

if __name__ == "__main__":
    run_service("desk", DeskSettings, build)
