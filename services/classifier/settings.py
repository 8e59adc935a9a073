"""Settings of the classifier, prefix ``ITACA_CLASSIFIER_``."""

from pathlib import Path
from typing import ClassVar

from pydantic import Field

from itaca.settings import ServiceSettings


class ClassifierSettings(ServiceSettings):
    """What the classifier needs beside the shared settings; every time is in seconds."""

    service: ClassVar[str] = "classifier"

    models_dir: Path = Field(Path("models"), description="Folder with the models and the file `current`.")
    shadow: str = Field("", description="Model that judges beside the one in use and answers nothing; default: none.")
    batch_size: int = Field(64, ge=1, le=1024, description="Mails judged together.")
    workers: int = Field(1, ge=1, le=64, description="Worker processes that judge.")
    judge_timeout_s: float = Field(20.0, gt=0, le=600, description="Time for a batch; then each mail is tried alone.")
    mail_timeout_s: float = Field(5.0, gt=0, le=600, description="Time for one mail alone; then it is retried.")
    worker_memory_mib: int = Field(1024, ge=256, description="Data memory a worker may take, in MiB.")
    reload_s: float = Field(1.0, gt=0, le=3600, description="How often `current` is looked at for another model.")

    def problems(self) -> list[str]:
        """Return what only the folder of models can tell."""
        if self.shadow and not (self.models_dir / self.shadow / "manifest.json").is_file():
            return [f"{self.variable('shadow')}: there is no model {self.shadow} in {self.models_dir}"]
        return []
