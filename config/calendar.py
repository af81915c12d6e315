"""Days and hours of a community, in its own time zone: which days are worked, and spans that may go over midnight."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from config.profile import Strict

WeekDay = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
_WEEK: tuple[WeekDay, ...] = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
DAY_S = 86_400


def _clock(value: Any) -> Any:
    if isinstance(value, int):  # YAML reads 22:00 without quotes as the number 1320
        raise ValueError('a time in quotes such as "22:00"')
    return value


Clock = Annotated[time, BeforeValidator(_clock)]


class Calendar(Strict):
    """Public holidays, and the weekend days that are worked instead (调休)."""

    holidays: tuple[date, ...] = ()
    working_days: tuple[date, ...] = ()

    def is_workday(self, day: date) -> bool:
        """True for a day that is worked: no holiday, and Monday to Friday or declared as worked."""
        return day not in self.holidays and (day.weekday() < 5 or day in self.working_days)


class Hours(Strict):
    """A span of the day on some days. `until` not later than `from` goes over midnight and belongs to its first day."""

    start: Clock = Field(alias="from")
    end: Clock = Field(alias="until")
    days: tuple[WeekDay | Literal["workday", "day-off"], ...] = ()  # none: every day

    @model_validator(mode="after")
    def _is_of_the_minute(self) -> Self:
        if self.start.tzinfo or self.end.tzinfo:
            raise ValueError('times of day without an offset, such as "22:00"')
        return self

    def span_of(self, day: date) -> tuple[datetime, datetime]:
        """Begin and end of the span that begins on this day, as naive local times; whole days if both are equal."""
        begin, end = datetime.combine(day, self.start), datetime.combine(day, self.end)
        return begin, end if end > begin else end + timedelta(days=1)

    def begins_on(self, day: date, calendar: Calendar) -> bool:
        """True if the span is kept on the day on which it begins."""
        kind = "workday" if calendar.is_workday(day) else "day-off"
        return not self.days or _WEEK[day.weekday()] in self.days or kind in self.days

    def day_of(self, local: datetime, calendar: Calendar) -> date | None:
        """The day to which the span of a local time, with its zone, belongs, or None outside of the hours.

        Where clocks are put forward or back a span still begins and ends once: moments are compared, not clocks.
        """
        for day in (local.date(), local.date() - timedelta(days=1)):
            begin, end = (at.replace(tzinfo=local.tzinfo).timestamp() for at in self.span_of(day))
            if begin <= local.timestamp() < end and self.begins_on(day, calendar):
                return day
        return None

    def hold(self, local: datetime, calendar: Calendar) -> bool:
        """True within the hours."""
        return self.day_of(local, calendar) is not None
