"""What the router is told by its environment."""

from typing import ClassVar

from pydantic import Field

from itaca.settings import ServiceSettings


class RouterSettings(ServiceSettings):
    """Variables begin with ITACA_ROUTER_."""

    service: ClassVar[str] = "router"
    batch_size: int = Field(64, ge=1, le=1000, description="Mails decided in one transaction, at most.")
    audit_per_month: int = Field(
        300, ge=0, le=100_000, description="Mails that nobody saw, drawn in 30 days for a blind check; 0: none."
    )
