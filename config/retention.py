"""How long a site keeps what it has recorded. Nothing of an open incident is ever too old."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from config.profile import Strict

Days = Annotated[int, Field(ge=30, le=36_525)]


class Retention(Strict):
    """Days from the end of an incident, or from the entry; then it is removed for good.

    PIPL art. 19 and 47 and GDPR art. 5(1)(e) ask for no longer than the purpose needs. The defaults: a record of who
    was called and came serves whoever has to account for a fire or an entrapment, and the records of elevators are
    kept 4 years (TSG T5002-2017 cl. 5(6)); what people wrote and photographed says most about others and serves for
    the shortest time.
    """

    incidents_days: Days = 1_826  # fire, entrapment, water: five years, with notices, attempts, answers and timeline
    troubles_days: Days = 366  # faults, equipment, what was disabled; drills: one whole year of maintenance
    notes_days: Days = 366  # the words of a note; that there was one stays with its incident
    photos_days: Days = 180
    log_days: Days = 366  # lines of the timeline that belong to no incident
    audit_days: Days = 1_096  # who has changed what: three years, as PIPL art. 56 asks of records of processing
