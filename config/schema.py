"""JSON Schemas for editors, from the same models that check the files."""

from __future__ import annotations

import json

from config.profile import Strict


def schema_text(model: type[Strict]) -> str:
    """The model's JSON Schema (draft 2020-12), ready to be written to a file."""
    schema = {"$schema": "https://json-schema.org/draft/2020-12/schema", **model.model_json_schema(by_alias=True)}
    return json.dumps(schema, ensure_ascii=False, indent=2, sort_keys=True) + "\n"
