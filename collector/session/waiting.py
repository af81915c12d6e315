"""The line of messages that wait to be judged: a journalled alarm goes before all else.

It never goes before a birth or death of its own gateway, which may change what it means. Beyond the bound
there is room for alarms only; what finds none is not acknowledged and comes again.
"""

from __future__ import annotations

from collections import Counter, deque

from config.sparkplug import WireError
from config.words import Birth, Data, Death, Edge, Lane, Message

WAITING_MAX = 20_000  # messages handed over and not yet taken
ALARMS_EXTRA = 5_000  # room that only alarms may use


class Waiting:
    """One line for all gateways. `admits` may be asked from another thread."""

    def __init__(self) -> None:
        self._alarms: deque[Data] = deque()
        self._others: deque[Birth | Data | Death] = deque()
        self._turning: Counter[Edge] = Counter()  # births and deaths that wait, by edge node
        self._alarm_aliases: dict[Edge, frozenset[int]] = {}  # of positions in the alarm lane, as last born

    def __bool__(self) -> bool:
        return bool(self._alarms or self._others)

    def admits(self, message: Message | WireError, waiting: int) -> bool:
        """True if there is room for a message, or for what cannot be read, while so many wait."""
        if isinstance(message, Data) and self._is_alarm(message):
            return waiting < WAITING_MAX + ALARMS_EXTRA
        return waiting < WAITING_MAX

    def add(self, message: Birth | Data | Death) -> None:
        """Put a message in its place, in the order of arrival."""
        if isinstance(message, Data):
            overtakes = self._is_alarm(message) and not self._turning[message.edge]
            (self._alarms if overtakes else self._others).append(message)
            return
        if isinstance(message, Birth):
            self._learn(message)
        self._turning[message.edge] += 1
        self._others.append(message)

    def take(self) -> Birth | Data | Death:
        """The next message. Raises IndexError if there is none."""
        if self._alarms:
            return self._alarms.popleft()
        message = self._others.popleft()
        if not isinstance(message, Data):
            self._turning[message.edge] -= 1
        return message

    def _learn(self, birth: Birth) -> None:
        alarms = frozenset(alias for alias, said in birth.aliases.items() if said.name == Lane.ALARM.metric)
        known = frozenset() if birth.device is None else self._alarm_aliases.get(birth.edge, frozenset())
        self._alarm_aliases[birth.edge] = known | alarms

    def _is_alarm(self, data: Data) -> bool:
        aliases = self._alarm_aliases.get(data.edge, frozenset())
        return any(metric.alias in aliases or metric.name == Lane.ALARM.metric for metric in data.metrics)
