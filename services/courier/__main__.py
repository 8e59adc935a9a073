"""Run the courier alone: ``python -P -m services.courier``."""

from itaca.main import run_service
from services.courier.app import build
from services.courier.settings import CourierSettings

if __name__ == "__main__":
    run_service("courier", CourierSettings, build)
