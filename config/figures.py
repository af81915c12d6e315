"""What history keeps: every measurement with its tags, its fields, and how often a row is written. Pure.

The one table that who writes history and who draws it have in common; the tests of both hold their rows and their
queries against it. Ids are tags, so that a series survives a new name; names are fields, and the newest one counts.
Nothing here is about a person: an erasure must not have to look into history.

Numbers are floats, units last; 0 and 1 for no and yes. What is not known is left out, never 0. A row of one thing (an
incident, a call, a measure, a rescue) has the time of its beginning and is written anew, with the same tags, whenever
it changes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

RAW, HOURLY, FIGURES, FOREVER = "raw", "hourly", "figures", "forever"
_CELLS = ("cell_1", "cell_2", "cell_3")
_IN_BUILDING = ("group", "building", *_CELLS)
_OF_DEVICE = (*_IN_BUILDING, "device", "gateway")
_CONDITIONS = (
    "conditions_alarm",
    "conditions_pre_alarm",
    "conditions_supervisory",
    "conditions_trouble",
    "conditions_disabled",
    "conditions_test",
)
LANES = ("alarm", "telemetry")


@dataclass(frozen=True, slots=True)
class Measurement:
    """One measurement. `numbers` and `words`: its fields. A tag that does not apply to a row is left out of it."""

    policy: str
    tags: tuple[str, ...]
    numbers: tuple[str, ...]
    words: tuple[str, ...] = ()
    every_s: int | None = None  # None: a row for each thing that happens

    @property
    def names(self) -> frozenset[str]:
        """Everything that a query may ask of it by name."""
        return frozenset((*self.tags, *self.numbers, *self.words, "time"))


MEASUREMENTS: Mapping[str, Measurement] = {
    "community": Measurement(
        FIGURES,
        ("group",),
        (
            *("buildings", "buildings_calm", "devices", "devices_online", "gateways", "gateways_online"),
            *("incidents_fire", "incidents_entrapment", "incidents_water", "incidents_equipment", "incidents_fault"),
            *_CONDITIONS,
            *("drills_open", "on_duty", "reachable", "history_waiting"),
        ),
        ("name", "label", "board_url", "timezone"),
        60,
    ),
    # state: the worst now; 0 calm, 1 disabled or in test, 2 trouble, 3 supervisory, 4 pre-alarm, 5 alarm
    "building": Measurement(
        FIGURES,
        _IN_BUILDING,
        ("state", "devices", "devices_online", *_CONDITIONS, "incidents_open", "on_duty"),
        ("name", "label"),
        600,
    ),
    "device": Measurement(FIGURES, _OF_DEVICE, ("online", "state"), ("name", "label", "profile"), 3600),
    # counts since the log of the elevator began
    "elevator": Measurement(
        FIGURES,
        (*_OF_DEVICE, "kind"),
        (
            *("trips", "door_cycles", "run_h", "faults", "entrapments", "down_h", "availability"),
            *("faults_per_thousand_trips", "mean_time_between_failures_h", "age_years", "maintenance_rank"),
            *("service_due_days", "alarm_link_age_h"),
        ),
        ("name", "label"),
        3600,
    ),
    "rescue": Measurement(FIGURES, _OF_DEVICE, ("arrived_s", "freed_s", "limit_s", "within_limit"), ("name",)),
    "cylinder": Measurement(
        FIGURES,
        (*_OF_DEVICE, "kind"),
        (
            *("pressure_kpa", "pressure_20c_kpa", "low_kpa", "high_kpa", "slope_kpa_per_day", "slope_low_kpa_per_day"),
            *("slope_high_kpa_per_day", "days_until_low", "days_of_data", "inspection_due_days"),
            "replacement_due_days",
        ),
        ("name", "label"),
        3600,
    ),
    # level: -1 low chamber, 0 clean, 1 dirty soon, 2 dirty now; percent: of the way to its alarm; detector: of a panel
    "detector": Measurement(
        FIGURES,
        (*_OF_DEVICE, "detector"),
        (
            *("clean_air_db_m", "contamination_percent", "drift_percent_per_month", "contamination_level"),
            *("pre_alarms", "service_due_days", "inspection_due_days"),
        ),
        ("name", "label"),
        3600,
    ),
    "gateway": Measurement(
        FIGURES,
        ("group", "gateway"),
        (
            *("online", "clock_synchronized", "clock_offset_s", "pulse_s", "pulse_age_s", "devices", "devices_online"),
            *(f"{lane}_{count}" for lane in LANES for count in ("appended", "dropped", "in_journal", "committed")),
        ),
        ("name",),
        60,
    ),
    # counts of the last minute
    "bus": Measurement(
        FIGURES,
        ("group", "gateway", "bus"),
        (
            *("online", "requests", "answers", "timeouts", "garbled", "refused", "latency_p50_ms", "latency_p95_ms"),
            *("cycle_s", "busy", "units", "units_dead"),
        ),
        (),
        60,
    ),
    "incident": Measurement(
        FIGURES,
        (*_IN_BUILDING, "kind", "mode"),
        (
            *("open", "ended_ms", "duration_s", "called", "answered", "cannot", "first_answer_s", "quorum_s"),
            *("arrival_s", "false_alarm", "called_out"),
        ),
        ("id", "title", "cause", "teams"),
    ),
    "call": Measurement(
        FIGURES,
        (*_IN_BUILDING, "team", "kind", "mode"),
        ("called", "answered", "cannot", "first_answer_s", "going_s", "arrival_s", "quorum_s"),
        ("id", "team_name"),
    ),
    "measure": Measurement(
        FIGURES, (*_IN_BUILDING, "kind"), ("open", "ended_ms", "until_ms", "devices"), ("id", "title")
    ),
    # A row's time is how far back its policy reaches, counted from 1970; it serves ranges of from_ms to below_ms.
    "retention_choice": Measurement(FOREVER, (), ("from_ms", "below_ms"), ("policy", "prefix")),
}
# The readings of devices. Their fields are the points of the site's profiles; in HOURLY each has these beginnings.
READING = "reading"
READING_TAGS = ("group", "building", "device", "gateway", "lane", "epoch")
SUMMARIES = ("mean_", "min_", "max_")
