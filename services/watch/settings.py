"""What the watch is told by its environment."""

from typing import ClassVar

from pydantic import Field

from itaca.settings import ServiceSettings


class WatchSettings(ServiceSettings):
    """Variables begin with ITACA_WATCH_."""

    service: ClassVar[str] = "watch"
    interval_s: float = Field(2.0, gt=0, description="Seconds between two rounds.")
    drive_after_s: float = Field(
        60.0, gt=0, description="Pause after the first drive, a minute after acceptance; then it doubles."
    )
    review_after_s: float = Field(900.0, gt=0, description="Then, after so many seconds, a person decides.")
    retain_noted_days: int = Field(
        0, ge=0, description="Days after which mail that asked nothing of us loses its words; 0: never."
    )
    retain_closed_days: int = Field(
        0, ge=0, description="Days after its closing after which a case and its mail lose their words; 0: never."
    )
    batch_size: int = Field(200, ge=1, le=5000, description="Mails driven again in one round, at most.")
