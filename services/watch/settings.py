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
    batch_size: int = Field(200, ge=1, le=5000, description="Mails driven again in one round, at most.")
