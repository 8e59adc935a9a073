"""Run the classifier alone: ``python -P -m services.classifier``."""

from itaca.main import run_service
from services.classifier.app import build
from services.classifier.settings import ClassifierSettings

if __name__ == "__main__":
    run_service("classifier", ClassifierSettings, build)
