"""Conditions that are beside the live call-out: who is told of what a disablement or a walk test has taken aside."""

from __future__ import annotations

from collector.alarm import Alarm
from collector.callout import CallOut
from collector.incident import Incident
from collector.route import LIVE, Route
from collector.rules import Rule
from collector.state import State
from config.site import Site


class Aside:
    """Says which conditions are taken aside, and tells who is to know of them."""

    def __init__(self, site: Site, state: State, call_out: CallOut) -> None:
        self._site = site
        self._state = state
        self._call_out = call_out

    def route_of(self, rule: Rule) -> Route:
        """The road that a condition takes which rises now."""
        return LIVE

    def raised(self, incident: Incident, alarm: Alarm, now: int) -> None:
        """A condition that was taken aside has risen, or risen again; its incident stands in the state."""
