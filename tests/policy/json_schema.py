"""A validator of the JSON Schema keywords that our generated schemas use; an unknown keyword is an error."""

import re
from collections.abc import Iterator

KNOWN = {
    "$schema", "$defs", "$ref", "title", "description", "default", "type", "enum", "pattern", "minLength",
    "minimum", "maximum", "minItems", "items", "properties", "required", "additionalProperties",
    "propertyNames", "minProperties", "anyOf",
}  # fmt: skip
TYPES = {"object": dict, "array": list, "string": str, "boolean": bool, "null": type(None)}


def faults(value, schema, root, path="$") -> Iterator[str]:
    """Every way in which `value` does not fit."""
    assert set(schema) <= KNOWN, set(schema) - KNOWN
    if "$ref" in schema:
        yield from faults(value, root["$defs"][schema["$ref"].rpartition("/")[2]], root, path)
    if "anyOf" in schema and not any(
        not list(faults(value, option, root, path)) for option in schema["anyOf"]
    ):
        yield f"{path}: no option fits"
    if "enum" in schema and value not in schema["enum"]:
        yield f"{path}: not listed"
    if "type" in schema and not of_type(value, schema["type"]):
        yield f"{path}: not {schema['type']}"
    elif isinstance(value, dict):
        yield from object_faults(value, schema, root, path)
    elif isinstance(value, list):
        yield from list_faults(value, schema, root, path)
    elif not in_bounds(value, schema):
        yield f"{path}: out of bounds"


def in_bounds(value, schema) -> bool:
    if isinstance(value, str):
        fits = re.search(schema.get("pattern", ""), value) is not None
        return fits and len(value) >= schema.get("minLength", 0)
    if isinstance(value, int | float):
        return schema.get("minimum", value) <= value <= schema.get("maximum", value)
    return True


def list_faults(value, schema, root, path) -> Iterator[str]:
    if len(value) < schema.get("minItems", 0):
        yield f"{path}: too few"
    for n, item in enumerate(value):
        yield from faults(item, schema.get("items", {}), root, f"{path}[{n}]")


def object_faults(value, schema, root, path) -> Iterator[str]:
    properties = schema.get("properties", {})
    yield from (f"{path}.{key}: missing" for key in schema.get("required", []) if key not in value)
    if len(value) < schema.get("minProperties", 0):
        yield f"{path}: too few"
    for key, item in value.items():
        yield from faults(key, schema.get("propertyNames", {}), root, f"{path}.{key}")
        if key in properties:
            yield from faults(item, properties[key], root, f"{path}.{key}")
        elif schema.get("additionalProperties") is False:
            yield f"{path}.{key}: unknown"
        elif isinstance(schema.get("additionalProperties"), dict):
            yield from faults(item, schema["additionalProperties"], root, f"{path}.{key}")


def of_type(value, name) -> bool:
    if name in {"number", "integer"}:
        return isinstance(value, int | float if name == "number" else int) and not isinstance(
            value, bool
        )
    return isinstance(value, TYPES[name])
