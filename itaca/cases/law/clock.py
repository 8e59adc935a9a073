"""Legal clocks: which rule holds for a matter, and when what it gives is over; nothing ever stops them.

A company's own holidays, absences and closures do not count, and neither do those of its town: a legal term is
counted by the calendar of the country alone. Terms end with the last minute of their last day; where the law would
prolong a term that ends on a holiday, the earlier day is kept, so that nobody relies on a doubt.
"""

import calendar
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from itaca.cases.deadlines import Calendar
from itaca.cases.law.rules import Pack, Rule, Unit

LAST_MINUTE = time(23, 59)
WARNING_DAYS = 5
"""So many days before the end, or at half of a shorter term, the owner's chain is warned."""


@dataclass(frozen=True)
class LegalDate:
    """A legal clock that starts: when it is over, and when people are warned of it."""

    rule: Rule
    pack: str
    started_at: datetime
    due_at: datetime

    @property
    def warn_at(self) -> datetime:
        early = self.due_at - timedelta(days=WARNING_DAYS)
        return max(early, self.started_at + (self.due_at - self.started_at) / 2)


@dataclass(frozen=True)
class Law:
    """What holds for one company: its country's pack, its sector, and the zone in which days begin and end."""

    pack: Pack
    sector: str
    zone: str = "Europe/Rome"

    def matters(self) -> list[str]:
        """Return the matters for which the law gives this company a term."""
        return self.pack.matters(self.sector)

    def clock(self, matter: str, started_at: datetime) -> LegalDate | None:
        """Return the clock that starts for this matter at this moment; None where the law gives no term.

        The rule of the company's own sector goes before one for all sectors, and the newest before older ones.
        """
        day = started_at.astimezone(ZoneInfo(self.zone)).date()
        holding = [r for r in self.pack.rules if r.matter == matter and r.holds_on(day) and self._concerns(r)]
        if not holding:
            return None
        rule = max(holding, key=lambda r: (bool(r.sectors), r.valid_from))
        return LegalDate(rule, self.pack.name, started_at, self.due(rule, day))

    def due(self, rule: Rule, start: date) -> datetime:
        """Return the last minute of the term that began on this day, in UTC."""
        return datetime.combine(self._last_day(rule, start), LAST_MINUTE, ZoneInfo(self.zone)).astimezone(UTC)

    def _last_day(self, rule: Rule, start: date) -> date:
        match rule.unit:
            case Unit.CALENDAR:
                return start + timedelta(days=rule.days)
            case Unit.MONTHS:
                return _months_later(start, rule.days)
            case Unit.WORKING:
                national = Calendar(self.pack.country, self.zone)
                day, left = start, rule.days
                while left:
                    day += timedelta(days=1)
                    left -= national.is_working(day)
                return day

    def _concerns(self, rule: Rule) -> bool:
        return not rule.sectors or self.sector in rule.sectors


def _months_later(start: date, months: int) -> date:
    """Return the same day of a later month, or its last day where it has no such day (Regulation 1182/71, art. 3)."""
    years, month = divmod(start.month - 1 + months, 12)
    year = start.year + years
    return date(year, month + 1, min(start.day, calendar.monthrange(year, month + 1)[1]))
