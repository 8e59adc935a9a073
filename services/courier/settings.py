"""What the courier is told by its environment."""

from ipaddress import ip_network
from typing import ClassVar

from pydantic import Field, SecretStr

from itaca.errors import PermanentError
from itaca.settings import ServiceSettings
from services.courier.messages import ascii_address


class CourierSettings(ServiceSettings):
    """Variables begin with ITACA_COURIER_. Durations are in seconds."""

    service: ClassVar[str] = "courier"

    relay_host: str = Field("", description="Mail server that delivers for us; default: files in <data_dir>/outbox.")
    relay_port: int = Field(25, ge=1, le=65535, description="Its port.")
    relay_starttls: bool = Field(
        False, description="Insist on STARTTLS and a valid certificate; default: any TLS that is offered, or none."
    )
    relay_user: str = Field("", description="User for AUTH.")
    relay_password: SecretStr = Field(SecretStr(""), description="Password for AUTH.")
    relay_timeout_s: float = Field(60.0, gt=0, description="Longest wait for one answer of the mail server.")
    from_address: str = Field("", description="Sender of what we write; default: the address the customer wrote to.")
    orders_to: str = Field("", description="Mailbox of the order system, beside or instead of the AMQP exchange.")
    cancellations_to: str = Field("", description="Mailbox of whoever executes cancellations, likewise.")
    interval_s: float = Field(1.0, gt=0, description="Seconds between two looks at the outbox.")
    lease_s: float = Field(300.0, gt=0, description="After so many seconds what a dead courier held is taken over.")
    give_up_after_s: float = Field(86_400.0, gt=0, description="After so many seconds of refusals it has failed.")
    webhook_timeout_s: float = Field(15.0, gt=0, description="Longest wait for the answer to a webhook.")
    webhook_networks: tuple[str, ...] = Field(
        (), description="Private networks (CIDR) that webhooks may reach, also without TLS; default: none."
    )
    batch_size: int = Field(50, ge=1, le=1000, description="Entries in hand at once.")

    def problems(self) -> list[str]:
        """Return which networks are none, and which addresses no letter could bear."""
        found = []
        for field in ("from_address", "orders_to", "cancellations_to"):
            try:
                if address := getattr(self, field):
                    ascii_address(address)
            except PermanentError:
                found.append(f"{self.variable(field)}: no plain address; write reclami@shop.example")
        for network in self.webhook_networks:
            try:
                ip_network(network)
            except ValueError:
                found.append(f"{self.variable('webhook_networks')}: {network} is no network; write 10.1.0.0/16")
        return found
