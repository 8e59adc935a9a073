"""Run the router alone: ``python -P -m services.router``."""

from itaca.main import run_service
from services.router.app import build
from services.router.settings import RouterSettings

if __name__ == "__main__":
    run_service("router", RouterSettings, build)
