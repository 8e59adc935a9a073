"""Pages from templates: one environment a language, everything escaped, nothing undefined passed over."""

from collections.abc import Mapping
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.responses import HTMLResponse

from itaca.clock import Clock
from itaca.settings import SharedSettings
from services.desk.words import LANGUAGES, Words


class Pages:
    """Renders a page in a language.

    Args:
        zone: IANA name of the zone in which times are shown.
    """

    def __init__(self, settings: SharedSettings, clock: Clock, zone: Any) -> None:
        self._clock = clock
        self._words = {language: Words(language, zone) for language in LANGUAGES}
        self._environments = {language: _environment(words) for language, words in self._words.items()}
        for environment in self._environments.values():
            environment.globals["organisation"] = settings.organisation

    def words(self, language: str) -> Words:
        """Return what speaks this language."""
        return self._words[language]

    def text(self, name: str, language: str, values: Mapping[str, Any]) -> str:
        """Return the text of one template."""
        template = self._environments[language].get_template(name)
        return template.render(now=self._clock.now(), language=language, **values)

    def page(self, name: str, language: str, values: Mapping[str, Any], status: int = 200) -> HTMLResponse:
        """Return one page."""
        return HTMLResponse(self.text(name, language, values), status)


def _environment(words: Words) -> Environment:
    environment = Environment(
        loader=PackageLoader("services.desk", "pages"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        extensions=["jinja2.ext.i18n"],
    )
    environment.install_gettext_translations(words.catalogue, newstyle=True)  # type: ignore[attr-defined]
    environment.globals.update(languages=LANGUAGES)
    environment.filters.update(
        name=words.name,
        letters=words.letters,
        reason=words.reason,
        day=words.day,
        weekday=words.weekday,
        short=words.short_weekday,
        moment=words.moment,
        time=words.time,
        late=words.late,
        until=words.until,
        language=words.language_name,
        size=words.size,
        tally=words.tally,
        number=words.number,
    )
    return environment
