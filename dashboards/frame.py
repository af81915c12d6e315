"""What every dashboard has: its variables, its annotations, its links, the age of history, and a grid without gaps."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from grafana_foundation_sdk.builders import dashboard
from grafana_foundation_sdk.models import dashboard as models

from dashboards import palette
from dashboards.influxql import (
    BUILDINGS,
    CELLS,
    COMMUNITY,
    LIVE,
    SOURCE,
    InfluxQuery,
    rows,
    source,
)
from dashboards.panels import COUNT, Panel, number, since, spans
from dashboards.words import Words

TAG = "callpoint"
GRID_WIDTH = 24
ALL = "$__all"
KNOWN = "90d"  # a community that history has not heard of for so long is not offered
BY_LABEL = r"/^(?<text>.*) · (?<value>.+)$/"  # `label` is "<name> · <id>": the name is shown, the id is asked by
# What history keeps beside the name of a community, for links and for days.
OF_COMMUNITY = ("board_url", "timezone")
ANNOTATIONS_MAX = 300


def uid(name: str, words: Words) -> str:
    """The id of a dashboard: it stays, whatever the title says."""
    return f"callpoint-{name}-{words.language}"


def path_to(name: str, words: Words, *variables: str) -> str:
    """A link to another of our dashboards, in the same range and community: `variable=value` each."""
    asked = "&".join(("var-community=${community}", *(f"var-{each}" for each in variables), "${__url_time_range}"))
    return f"/d/{uid(name, words)}?{asked}"


def to_building(words: Words) -> list[tuple[str, str]]:
    """Where a building's name in a table leads: its dashboard, and its page on the board."""
    there = path_to("building", words, _of_row("building", "building"))
    return [(words.say("link-building"), there), _board(words, "building", "__data.fields.building")]


def to_device(words: Words) -> list[tuple[str, str]]:
    """Where a device's name in a table leads: its curves, and its page on the board."""
    there = path_to("device", words, _of_row("building", "building"), _of_row("device", "device"))
    return [(words.say("link-device"), there), _board(words, "device", "__data.fields.device")]


def to_incident(words: Words) -> list[tuple[str, str]]:
    """Where an incident in a table leads: its page on the board."""
    return [_board(words, "incident", "__data.fields.id")]


def to_chosen(words: Words, what: str) -> list[tuple[str, str]]:
    """Where a figure of the building or device that is chosen leads: its page on the board."""
    return [_board(words, what, what)]


def _of_row(variable: str, field: str) -> str:
    return f"{variable}=${{__data.fields.{field}:percentencode}}"


def _board(words: Words, page: str, value: str) -> tuple[str, str]:
    return words.say(f"link-board-{page}"), f"${{board_url:raw}}/{page}/${{{value}:percentencode}}"


class Page:
    """One dashboard as it grows, top down. `add` fills a row of the grid; its widths must make 24."""

    def __init__(self, words: Words, name: str, *, span: str, refresh: str) -> None:
        self.words = words
        self.name = name
        self._y = 0
        self._panels = 0
        texts = words.panel(f"page-{name}")
        self._built = (
            dashboard.Dashboard(texts.title)
            .uid(uid(name, words))
            .description(texts.about)
            .tags([TAG, words.language])
            .time(f"now-{span}", "now")
            .refresh(refresh)
            .timezone("browser")
            .readonly()
            .tooltip(models.DashboardCursorSync.CROSSHAIR)
            .link(_other_dashboards(words))
            .link(dashboard.DashboardLink(words.say("link-board")).url("${board_url:raw}/").target_blank(True))
        )

    def variables(self, *variables: models.VariableModel) -> None:
        """Its choices, in this order; the community and what is kept of it come by themselves."""
        words = self.words
        self._built.with_variable(_Given(_community(words)))
        for each in variables:
            self._built.with_variable(_Given(each))
        for field in OF_COMMUNITY:
            self._built.with_variable(_Given(_of_community(field)))

    def annotations(self, building: str | None = None) -> None:
        """Incidents, drills and what is disabled, as marks and regions on every curve; `building`: of which ones."""
        where = COMMUNITY if building is None else f"{COMMUNITY} AND {building}"
        fields = ("title", "kind", "ended_ms")
        for key, measurement, kinds, color in (
            ("annotation-incidents", "incident", f'{LIVE} AND "kind" !~ /^(disablement|fault)$/', palette.BAD),
            ("annotation-drills", "measure", "\"kind\" = 'drill'", palette.BLUE),
            ("annotation-disabled", "measure", '"kind" =~ /^(disablement|walk-test)$/', palette.ASIDE),
        ):
            query = rows(measurement, fields, f"{where} AND {kinds}", ANNOTATIONS_MAX)
            self._built.annotation(
                dashboard.AnnotationQuery()
                .name(self.words.say(key))
                .datasource(SOURCE)
                .enable(True)
                .icon_color(color)
                .target(_annotated(query, key))
            )

    def row(self, key: str) -> None:
        """A heading over what follows."""
        self._panels += 1
        place = models.GridPos(h=1, w=GRID_WIDTH, x=0, y=self._y)
        self._built.with_row(dashboard.Row(self.words.say(key)).id(self._panels).grid_pos(place))
        self._y += 1

    def add(self, height: int, *panels: tuple[Panel, int]) -> None:
        """Panels side by side. Raises ValueError if they leave a gap or do not fit."""
        if (width := sum(each for _, each in panels)) != GRID_WIDTH:
            raise ValueError(f"{self.name}: panels of width {width} in a row of {GRID_WIDTH}")
        x = 0
        for panel, width in panels:
            self._panels += 1
            panel.id(self._panels).grid_pos(models.GridPos(h=height, w=width, x=x, y=self._y))
            self._built.with_panel(panel)
            x += width
        self._y += height

    def history(self, *before: tuple[Panel, int], height: int = 4) -> None:
        """Whether history itself is late, at the end of a row with `before`."""
        words = self.words
        left = GRID_WIDTH - sum(width for _, width in before)
        age = since(words, "history-age", f'SELECT last("buildings") FROM {source("community")} WHERE {_lately("30d")}')
        flow = number(
            words,
            "history-flow",
            [f'SELECT count("buildings") FROM {source("community")} WHERE {_lately("10m")}'],
            COUNT,
            palette.falling(1, 5),
            spans(
                ((1, 4, words.say("history-thin"), palette.WARN), (5, None, words.say("history-well"), palette.FINE))
            ),
        )
        wide = (left + 1) // 2
        self.add(height, *before, (age, wide), (flow, left - wide))

    def build(self) -> models.Dashboard:
        """The dashboard."""
        return self._built.build()


class _Given(dashboard.QueryVariable):
    """A variable that is made already, where the SDK wants its builder."""

    def __init__(self, variable: models.VariableModel) -> None:
        self._internal = variable


def cells(words: Words) -> Iterable[models.VariableModel]:
    """The grid cells of three levels, each among those of the one above."""
    above = COMMUNITY
    for level in (1, 2, 3):
        name = f"cell_{level}"
        query = f'SHOW TAG VALUES FROM {source("building")} WITH KEY = "{name}" WHERE {above}'
        yield _asked(name, words.say(f"variable-{name}"), query, everything=".*")
        above += f' AND "{name}" =~ /^${name}$/'


def building(words: Words, *, many: bool) -> models.VariableModel:
    """The buildings of the chosen cells that had rows in the range, or in the day before it, by their newest names."""
    query = _labels("building", f"{COMMUNITY} AND {CELLS}", "building")
    return _labelled("building", words.say("variable-building"), query, many=many)


def device(words: Words, measurement: str, *, many: bool) -> models.VariableModel:
    """The devices of the chosen buildings that history has as `measurement`."""
    query = _labels(measurement, f"{COMMUNITY} AND {BUILDINGS}", "device")
    return _labelled("device", words.say("variable-device"), query, many=many)


def tags(words: Words, name: str, measurement: str, tag: str) -> models.VariableModel:
    """The values of a tag, several or all."""
    query = f'SHOW TAG VALUES FROM {source(measurement)} WITH KEY = "{tag}" WHERE {COMMUNITY}'
    return _asked(name, words.say(f"variable-{name}"), query, everything=".*", many=True)


def choice(
    words: Words, name: str, options: Sequence[tuple[str, str]], *, everything: bool = False
) -> models.VariableModel:
    """A fixed choice: (word, value). The first is chosen, or all of them with `everything`."""
    made = [models.VariableOption(selected=False, text=word, value=value) for word, value in options]
    return models.VariableModel(
        type_val=models.VariableType.CUSTOM,
        name=name,
        label=words.say(f"variable-{name}"),
        query=", ".join(f"{word} : {value}" for word, value in options),
        current=models.VariableOption(selected=True, text="All", value=ALL) if everything else made[0],
        options=made,
        hide=models.VariableHide.DONT_HIDE,
        include_all=everything,
        all_value=".*" if everything else None,
    )


def hidden(name: str, query: str, regex: str = "") -> models.VariableModel:
    """A variable that nobody sees, asked anew with every range."""
    return _asked(name, name, query, regex=regex, hide=models.VariableHide.HIDE_VARIABLE)


def asked(
    words: Words, name: str, query: str, *, regex: str = "", many: bool = False, everything: str | None = None
) -> models.VariableModel:
    """A variable with values that a query gives."""
    return _asked(name, words.say(f"variable-{name}"), query, regex=regex, many=many, everything=everything)


def _community(words: Words) -> models.VariableModel:
    query = f'SELECT last("label") FROM {source("community")} WHERE time > now() - {KNOWN} GROUP BY "group"'
    return _asked("community", words.say("variable-community"), query, regex=BY_LABEL)


def _of_community(field: str) -> models.VariableModel:
    query = f'SELECT last("{field}") FROM {source("community")} WHERE {COMMUNITY} AND time > now() - {KNOWN}'
    return hidden(field, query)


def _labels(measurement: str, where: str, tag: str) -> str:
    """The newest label of each, in the range and the day before: also of what is gone since, by the name it had."""
    when = "time > ${__from}ms - 1d AND time <= ${__to}ms"
    return f'SELECT last("label") FROM {source(measurement)} WHERE {where} AND {when} GROUP BY "{tag}"'


def _labelled(name: str, label: str, query: str, *, many: bool) -> models.VariableModel:
    return _asked(name, label, query, regex=BY_LABEL, many=many, everything=".*" if many else None)


def _asked(
    name: str,
    label: str,
    query: str,
    *,
    regex: str = "",
    everything: str | None = None,
    many: bool = False,
    hide: models.VariableHide = models.VariableHide.DONT_HIDE,
) -> models.VariableModel:
    """`everything`: what stands for all values in a query; with it "all" is offered, and chosen at first."""
    current = models.VariableOption(selected=True, text=["All"], value=[ALL]) if many else None
    if everything is not None and not many:
        current = models.VariableOption(selected=True, text="All", value=ALL)
    return models.VariableModel(
        type_val=models.VariableType.QUERY,
        name=name,
        label=label,
        hide=hide,
        # What nobody sees, nobody may set by an address either: links to the board would lead wherever a link says.
        skip_url_sync=hide is models.VariableHide.HIDE_VARIABLE,
        allow_custom_value=hide is not models.VariableHide.HIDE_VARIABLE,
        datasource=SOURCE,
        query={"query": query, "refId": "InfluxVariableQueryEditor-VariableQuery"},
        definition=query,
        regex=regex,
        refresh=models.VariableRefresh.ON_TIME_RANGE_CHANGED,
        sort=models.VariableSort.ALPHABETICAL_ASC,
        multi=many,
        include_all=everything is not None or many,
        all_value=everything,
        current=current,
    )


def _lately(window: str) -> str:
    return f"{COMMUNITY} AND time > now() - {window}"


def _annotated(query: str, key: str) -> InfluxQuery:
    data: dict[str, Any] = {
        "refId": key,
        "datasource": SOURCE,
        "query": query,
        "rawQuery": True,
        "queryType": "tags",
        "fromAnnotations": True,
        "textColumn": "title",
        "tagsColumn": "kind",
        "timeEndColumn": "ended_ms",
        "titleColumn": "",
    }
    return InfluxQuery(data)


def _other_dashboards(words: Words) -> dashboard.DashboardLink:
    return (
        dashboard.DashboardLink(words.say("link-dashboards"))
        .type(models.DashboardLinkType.DASHBOARDS)
        .tags([TAG, words.language])
        .as_dropdown(True)
        .include_vars(True)
        .keep_time(True)
    )
