"""The kinds of panels that our dashboards are made of, each with title, description, unit and words without data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeVar

from grafana_foundation_sdk.builders import barchart, common, dashboard, stat, statetimeline, table, timeseries
from grafana_foundation_sdk.models import common as kinds
from grafana_foundation_sdk.models import dashboard as models

from dashboards import palette
from dashboards.influxql import SOURCE, InfluxQuery, target
from dashboards.words import Texts, Words

_Panel = TypeVar("_Panel", stat.Panel, timeseries.Panel, table.Panel, barchart.Panel, statetimeline.Panel)
Panel = stat.Panel | timeseries.Panel | table.Panel | barchart.Panel | statetimeline.Panel
TIME_FROM_NOW, SHARE, COUNT = "dateTimeFromNow", "percentunit", "short"
_SPAN_NULLS_MS = 7_200_000  # a longer gap is shown as one


def number(
    words: Words,
    key: str,
    queries: Sequence[str],
    unit: str = COUNT,
    steps: palette.Steps = palette.PLAIN,
    mappings: Sequence[models.ValueMapping] = (),
    *,
    decimals: int | None = None,
    named: bool = False,
    links: Sequence[tuple[str, str]] = (),
) -> stat.Panel:
    """A large figure on its colour; `named` where there are several and each says what it is."""
    texts = words.panel(key)
    panel = (
        stat.Panel()
        .color_mode(kinds.BigValueColorMode.BACKGROUND_SOLID)
        .graph_mode(kinds.BigValueGraphMode.NONE)
        .text_mode(kinds.BigValueTextMode.VALUE_AND_NAME if named else kinds.BigValueTextMode.VALUE)
        .reduce_options(common.ReduceDataOptions().calcs(["lastNotNull"]).values(False))
        .thresholds(palette.thresholds(steps))
        .color_scheme(by_thresholds())
        .unit(unit)
    )
    if mappings:
        panel.mappings(list(mappings))
    if decimals is not None:
        panel.decimals(decimals)
    if links:
        panel.data_links([link(title, url) for title, url in links])
    return finish(panel, texts, [target(q, _ref(n)) for n, q in enumerate(queries)])


def since(words: Words, key: str, query: str) -> stat.Panel:
    """How long ago the newest row of a table query was, in words."""
    texts = words.panel(key)
    panel = (
        stat.Panel()
        .color_mode(kinds.BigValueColorMode.NONE)
        .graph_mode(kinds.BigValueGraphMode.NONE)
        .text_mode(kinds.BigValueTextMode.VALUE)
        .reduce_options(common.ReduceDataOptions().calcs(["lastNotNull"]).fields("Time").values(False))
        .thresholds(palette.thresholds(palette.PLAIN))
        .unit(TIME_FROM_NOW)
    )
    return finish(panel, texts, [target(query, "A", table=True)])


def curves(
    words: Words,
    key: str,
    queries: Sequence[str],
    unit: str = COUNT,
    steps: palette.Steps | None = None,
    *,
    alias: str = "$col",
    bars: bool = False,
    stacked: bool = False,
    least: float | None = 0,
    most: float | None = None,
    colors: Mapping[str, str] | None = None,
    band: tuple[str, str] | None = None,
    period: str | None = None,
    plain_names: str | None = None,
    dashed: str | None = None,
    every: str | None = None,
) -> timeseries.Panel:
    """Curves, or bars. `steps` are dashed lines; `band` (lower, upper) is filled; `period` overrides the range.

    `colors`: of series by their names; without, of ids, as `palette.by_last_character` has it.
    `plain_names`: a pattern whose first group is all that is shown of a name. `every`: no finer than so. `dashed`: a
    pattern of names.
    """
    texts = words.panel(key)
    panel = (
        timeseries.Panel()
        .draw_style(kinds.GraphDrawStyle.BARS if bars else kinds.GraphDrawStyle.LINE)
        .line_width(2)
        .fill_opacity(80 if bars else 0)
        .show_points(kinds.VisibilityMode.AUTO)
        .span_nulls(False if bars else _SPAN_NULLS_MS)
        .unit(unit)
        .color_scheme(dashboard.FieldColor().mode(models.FieldColorModeId.FIXED).fixed_color(palette.BLUE))
        .legend(legend())
        .tooltip(common.VizTooltipOptions().mode(kinds.TooltipDisplayMode.MULTI).sort(kinds.SortOrder.DESCENDING))
    )
    if least is not None:
        panel.min(least)
    if most is not None:
        panel.max(most)
    if stacked:
        panel.stacking(common.StackingConfig().mode(kinds.StackingMode.NORMAL).group("A"))
    if steps is not None:
        panel.thresholds(palette.thresholds(steps))
        style = common.GraphThresholdsStyleConfig().mode(kinds.GraphThresholdsStyleMode.DASHED)
        panel.thresholds_style(style)
    if colors is None:
        for pattern, color in palette.by_last_character().items():
            panel.override_by_regexp(pattern, [_fixed(color)])
    for name, color in (colors or {}).items():
        panel.override_by_name(name, [_fixed(color)])
    if dashed is not None:
        panel.override_by_regexp(dashed, [setting("custom.lineStyle", {"fill": "dash", "dash": [8, 6]})])
    if band is not None:
        panel.override_by_name(band[1], [setting("custom.fillBelowTo", band[0]), setting("custom.fillOpacity", 20)])
    if period is not None:
        panel.time_from(period)
    if every is not None:
        panel.interval(every)
    if plain_names is not None:
        # A pattern of fields brings a curve without a value for each field that this series lacks.
        empty = models.MatcherConfig(id_val="byValue", options={"reducer": "allIsNull", "op": "gte", "value": 1})
        panel.with_override(empty, [setting("custom.hideFrom", {"legend": True, "tooltip": True, "viz": True})])
        options = {"regex": plain_names, "renamePattern": "$1"}
        panel.with_transformation(models.DataTransformerConfig(id_val="renameByRegex", options=options))
    targets = [target(query, _ref(n), alias=alias) for n, query in enumerate(queries)]
    return finish(panel, texts, targets)


def timeline(
    words: Words, key: str, query: str, mappings: Sequence[models.ValueMapping], steps: palette.Steps, alias: str
) -> statetimeline.Panel:
    """States over time, in their colours and words."""
    texts = words.panel(key)
    panel = (
        statetimeline.Panel()
        .mappings(list(mappings))
        .thresholds(palette.thresholds(steps))
        .color_scheme(by_thresholds())
        .merge_values(True)
        .show_value(kinds.VisibilityMode.AUTO)
        .row_height(0.8)
        .fill_opacity(85)
        .legend(legend())
        .unit(COUNT)
    )
    return finish(panel, texts, [target(query, "A", alias=alias)])


def mapped(meanings: Mapping[str, tuple[str, str | None]]) -> list[models.ValueMapping]:
    """Values as words: value -> (word, colour)."""
    options = {
        value: models.ValueMappingResult(text=word, color=color, index=number)
        for number, (value, (word, color)) in enumerate(meanings.items())
    }
    return [models.ValueMap(options)]


def spans(meanings: Sequence[tuple[float | None, float | None, str, str]]) -> list[models.ValueMapping]:
    """Spans of values as words: (from, to, word, colour), both ends belong to it."""
    return [
        models.RangeMap(
            models.DashboardRangeMapOptions(
                from_val=least, to=most, result=models.ValueMappingResult(text=word, color=color, index=number)
            )
        )
        for number, (least, most, word, color) in enumerate(meanings)
    ]


def finish(panel: _Panel, texts: Texts, targets: Sequence[InfluxQuery]) -> _Panel:
    panel.title(texts.title).description(texts.about).no_value(texts.none).datasource(SOURCE)
    for each in targets:
        panel.with_target(each)
    return panel


def legend() -> common.VizLegendOptions:
    return (
        common.VizLegendOptions()
        .show_legend(True)
        .display_mode(kinds.LegendDisplayMode.LIST)
        .placement(kinds.LegendPlacement.BOTTOM)
    )


def by_thresholds() -> dashboard.FieldColor:
    return dashboard.FieldColor().mode(models.FieldColorModeId.THRESHOLDS)


def _fixed(color: str) -> models.DynamicConfigValue:
    return setting("color", models.FieldColor(mode=models.FieldColorModeId.FIXED, fixed_color=color))


def setting(name: str, value: object) -> models.DynamicConfigValue:
    return models.DynamicConfigValue(id_val=name, value=value)


def link(title: str, url: str) -> dashboard.DashboardLink:
    return dashboard.DashboardLink(title).url(url).target_blank(not url.startswith("/"))


def _ref(number: int) -> str:
    return chr(ord("A") + number)
