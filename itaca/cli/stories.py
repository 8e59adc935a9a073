"""The stories of ``itaca demo`` as values: scenes with a date, a sentence of the narrator, and what happens."""

import tomllib
from dataclasses import dataclass
from datetime import datetime
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, parseaddr
from importlib.resources import files
from typing import Any
from zoneinfo import ZoneInfo

ROME = ZoneInfo("Europe/Rome")
_PIXEL = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c4890000000d4944415478da63fccff0bf1e00058102fe"
    "a72d0b9a0000000049454e44ae426082"
)
"""A picture of one pixel stands for the screenshot."""


@dataclass(frozen=True)
class Scene:
    """``mail``: somebody writes. ``effected``: what a system confirms of ``customer``'s cancellation. ``remedied``:
    with what evidence the owner closes the customer's cases.
    """

    at: datetime
    say: str
    mail: EmailMessage | None = None
    effected: str = ""
    remedied: str = ""
    customer: str = ""

    @property
    def writer(self) -> str:
        return parseaddr(str(self.mail["From"]))[1] if self.mail else ""

    @property
    def recipient(self) -> str:
        return parseaddr(str(self.mail["To"]))[1] if self.mail else ""


@dataclass(frozen=True)
class Story:
    title: str
    scenes: tuple[Scene, ...]


def load_stories() -> list[Story]:
    """Read the stories that come with Itaca."""
    table = tomllib.loads((files("itaca.cli") / "stories.toml").read_text(encoding="utf-8"))
    return [Story(s["title"], tuple(_scene(n, scene) for n, scene in enumerate(s["scene"]))) for s in table["story"]]


def _scene(number: int, scene: dict[str, Any]) -> Scene:
    at = datetime.fromisoformat(scene["at"]).replace(tzinfo=ROME)
    mail = _mail(scene["mail"], at, number) if "mail" in scene else None
    return Scene(
        at, scene["say"], mail, scene.get("effected", ""), scene.get("remedied", ""), scene.get("customer", "")
    )


def _mail(words: dict[str, Any], at: datetime, number: int) -> EmailMessage:
    message = EmailMessage(SMTP)
    message["From"], message["To"], message["Subject"] = words["from"], words["to"], words["subject"]
    if "cc" in words:
        message["Cc"] = ", ".join(words["cc"])
    message["Date"] = format_datetime(at)
    message["Message-ID"] = f"<scene-{number}.{at:%Y%m%d}@{words['from'].rpartition('@')[2].rstrip('>')}>"
    message.set_content(words["body"].strip() + "\n")
    if "attach" in words:
        message.add_attachment(_PIXEL, maintype="image", subtype="png", filename=words["attach"])
    return message
