"""Tables and bars: what a query's rows say, column by column, with where each name leads."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from grafana_foundation_sdk.builders import barchart, common, table
from grafana_foundation_sdk.models import common as kinds
from grafana_foundation_sdk.models import dashboard as models

from dashboards import palette
from dashboards.influxql import target
from dashboards.panels import COUNT, TIME_FROM_NOW, by_thresholds, finish, link, setting
from dashboards.words import Words


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table: a field and how it is shown. `links` go by title and URL; `width` in pixels."""

    field: str
    unit: str = ""
    steps: palette.Steps | None = None
    mappings: Sequence[models.ValueMapping] = ()
    links: Sequence[tuple[str, str]] = ()
    width: int | None = None
    decimals: int | None = None
    hidden: bool = False
    word: str = ""  # the key of its heading; default: `column-<field>`


def listing(
    words: Words,
    key: str,
    query: str,
    columns: Sequence[Column],
    *,
    sort: tuple[str, bool] | None = None,
    time: str | None = None,
    turned: str | None = None,
    grouped: Mapping[str, str] | None = None,
    ratio: tuple[str, str, str] | None = None,
    above: tuple[str, float] | None = None,
) -> table.Panel:
    """A table of one query: these columns in this order. `time`: the heading of its time, None to leave it out.

    `sort`: by which field, and whether downwards. `turned`: each field becomes a row; the pattern's first group is
    what is shown of its name. `grouped`: rows of equal fields ("groupby") become one, the others their "sum".
    `ratio`: a column of this name, the second field by the third. `above`: only rows where a field is more than so.
    """
    texts = words.panel(key)
    panel = (
        table.Panel()
        .cell_height(kinds.TableCellHeight.SM)
        .show_header(True)
        .filterable(False)
        .unit(COUNT)
        .thresholds(palette.thresholds(palette.PLAIN))
    )
    order = {column.field: number for number, column in enumerate(columns)}
    if above is not None:
        panel.with_transformation(_filter(*above))
    if grouped is not None:
        panel.with_transformation(_group(grouped))
    if ratio is not None:
        panel.with_transformation(_divide(*ratio))
    organized = {"excludeByName": {"Time": time is None}, "indexByName": {"Time": -1} | order, "renameByName": {}}
    panel.with_transformation(models.DataTransformerConfig(id_val="organize", options=organized))
    if turned is not None:
        names, rows = {"regex": turned, "renamePattern": "$1"}, {"reducers": ["lastNotNull"], "mode": "seriesToRows"}
        panel.with_transformation(models.DataTransformerConfig(id_val="renameByRegex", options=names))
        panel.with_transformation(models.DataTransformerConfig(id_val="reduce", options=rows))
        known = {"fieldName": "Last *", "config": {"id": "isNotNull", "options": {}}}
        options = {"filters": [known], "type": "include", "match": "any"}
        panel.with_transformation(models.DataTransformerConfig(id_val="filterByValue", options=options))
        panel.override_by_name("Field", [setting("displayName", words.say("column-point"))])
    if time is not None:
        heading = [
            setting("displayName", words.say(time)),
            setting("unit", TIME_FROM_NOW),
            setting("custom.width", 130),
        ]
        panel.override_by_name("Time", heading)
    for column in columns:
        panel.override_by_name(column.field, _properties(words, column))
    if sort is not None:
        heading_of = {column.field: _heading(words, column) for column in columns}
        panel.sort_by([common.TableSortByFieldState().display_name(heading_of[sort[0]]).desc(sort[1])])
    return finish(panel, texts, [target(query, "A", table=True)])


def bars(
    words: Words, key: str, query: str, name: str, value: Column, grouped: Mapping[str, str] | None = None
) -> barchart.Panel:
    """Horizontal bars, one a row of a table query: `name` is written beside `value`."""
    texts = words.panel(key)
    panel = (
        barchart.Panel()
        .orientation(kinds.VizOrientation.HORIZONTAL)
        .x_field(name)
        .show_value(kinds.VisibilityMode.ALWAYS)
        .unit(value.unit or COUNT)
        .thresholds(palette.thresholds(value.steps or palette.PLAIN))
        .color_scheme(by_thresholds())
        .legend(common.VizLegendOptions().show_legend(False).display_mode(kinds.LegendDisplayMode.LIST))
    )
    if value.decimals is not None:
        panel.decimals(value.decimals)
    if grouped is not None:
        panel.with_transformation(_group(grouped))
    kept = {"include": {"names": [name, value.field]}}
    panel.with_transformation(models.DataTransformerConfig(id_val="filterFieldsByName", options=kept))
    panel.override_by_name(value.field, [setting("displayName", _heading(words, value))])
    if value.mappings:
        panel.override_by_name(name, [setting("mappings", list(value.mappings))])
    return finish(panel, texts, [target(query, "A", table=True)])


def _properties(words: Words, column: Column) -> list[models.DynamicConfigValue]:
    properties = [setting("displayName", _heading(words, column))]
    if column.unit:
        properties.append(setting("unit", column.unit))
    if column.steps is not None:
        properties.append(setting("thresholds", palette.thresholds(column.steps).build()))
    if column.mappings:
        properties.append(setting("mappings", list(column.mappings)))
    if column.steps is not None or any(_colored(mapping) for mapping in column.mappings):
        properties.append(setting("custom.cellOptions", {"type": "color-background", "mode": "basic"}))
    if column.links:
        properties.append(setting("links", [link(title, url).build() for title, url in column.links]))
    if column.width is not None:
        properties.append(setting("custom.width", column.width))
    if column.decimals is not None:
        properties.append(setting("decimals", column.decimals))
    if column.hidden:
        properties.append(setting("custom.hidden", True))
    return properties


def _colored(mapping: models.ValueMapping) -> bool:
    return isinstance(mapping, models.ValueMap) and any(each.color for each in mapping.options.values())


def _heading(words: Words, column: Column) -> str:
    return words.say(column.word or f"column-{column.field}")


def _filter(field: str, value: float) -> models.DataTransformerConfig:
    condition = {"fieldName": field, "config": {"id": "greater", "options": {"value": value}}}
    return models.DataTransformerConfig(
        id_val="filterByValue", options={"filters": [condition], "type": "include", "match": "any"}
    )


def _group(how: Mapping[str, str]) -> models.DataTransformerConfig:
    fields = {
        field: {"aggregations": [] if each == "groupby" else [each], "operation": _operation(each)}
        for field, each in how.items()
    }
    return models.DataTransformerConfig(id_val="groupBy", options={"fields": fields})


def _operation(how: str) -> str:
    return how if how == "groupby" else "aggregate"


def _divide(name: str, above: str, below: str) -> models.DataTransformerConfig:
    options = {"mode": "binary", "alias": name, "binary": {"left": above, "operator": "/", "right": below}}
    return models.DataTransformerConfig(id_val="calculateField", options=options)
