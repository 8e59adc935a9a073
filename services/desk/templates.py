"""What an answer may begin with, in the customer's language; a person edits it before it leaves."""

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

CUSTOMER_LANGUAGES = ("it", "en", "de", "fr", "es")
DEFAULT_LANGUAGE = "it"


@dataclass(frozen=True)
class Template:
    """One beginning: ``title`` in the desk's language, ``text`` in the customer's."""

    id: str
    title: str
    text: str


def templates_for(customer_language: str, desk_language: str, values: Mapping[str, str]) -> list[Template]:
    """Return every template, filled in; Italian for a language that has no texts."""
    language = customer_language if customer_language in CUSTOMER_LANGUAGES else DEFAULT_LANGUAGE
    return [
        Template(one["id"], one["title"][desk_language], one["text"][language].format(**values))
        for one in _templates()
    ]


def template_ids() -> frozenset[str]:
    """Return the names of all templates."""
    return frozenset(one["id"] for one in _templates())


@cache
def _templates() -> Sequence[Mapping[str, Any]]:
    table = tomllib.loads((files("services.desk") / "answers.toml").read_text(encoding="utf-8"))
    templates: Sequence[Mapping[str, Any]] = table["template"]
    return templates
