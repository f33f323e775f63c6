"""A struct type as the structural OpenAPI schema of a Kubernetes CRD: types, limits, enums, defaults.

Kubernetes takes a subset of JSON Schema: no `$ref`, no `oneOf` of types, boolean `exclusiveMinimum`. Nested
defaults apply only below an object that has a default itself, so a struct with defaults gets `{}`.
"""

import inspect as docstrings
from typing import cast

import msgspec
from msgspec import inspect

Schema = dict[str, object]


def schema_of(kind: type[msgspec.Struct]) -> Schema:
    """The schema of a struct. Raises TypeError for a type that the contracts of CRDs do not use."""
    found = inspect.type_info(kind)
    if not isinstance(found, inspect.StructType):
        raise TypeError(f"{kind} is no struct")
    return _struct(found)


def _struct(kind: inspect.StructType) -> Schema:
    properties: dict[str, Schema] = {}
    for field in kind.fields:
        properties[field.encode_name] = _of(field.type) | _default(field)
    required = [field.encode_name for field in kind.fields if field.required]
    schema: Schema = {
        "type": "object", "description": _description(kind), "properties": properties,
    }  # fmt: skip
    return schema | ({"required": required} if required else {})


def _description(kind: inspect.StructType) -> str:
    return docstrings.cleandoc(kind.cls.__doc__ or "")


def _default(field: inspect.Field) -> Schema:
    value = field.default
    if value is msgspec.NODEFAULT or value is None:
        return {}
    if isinstance(value, msgspec.Struct):
        return {"default": {}}
    plain: object = msgspec.to_builtins(value)
    return {} if plain in ((), []) else {"default": plain}


def _of(kind: inspect.Type) -> Schema:
    match kind:
        case inspect.Metadata(type=inner):
            return _in_words(_of(inner), kind)
        case inspect.UnionType(types=types):
            (only,) = (option for option in types if not isinstance(option, inspect.NoneType))
            return _of(only)
        case inspect.StructType():
            return _struct(kind)
        case inspect.VarTupleType():
            return _list(kind)
        case _:
            return _scalar(kind)


def _in_words(schema: Schema, kind: inspect.Metadata) -> Schema:
    """A pattern is told in the contract's words, not as the expression it is."""
    extra = cast("dict[str, str]", kind.extra_json_schema or {})  # pyright: ignore[reportUnknownMemberType] - a bare dict there
    words, pattern = extra.get("description"), schema.get("pattern")
    if words is None or pattern is None:
        return schema
    rule = {"rule": f"self.matches('{pattern}')", "message": f"must be {words}"}
    kept = {name: value for name, value in schema.items() if name != "pattern"}
    return kept | {"x-kubernetes-validations": [rule]}


def _scalar(kind: inspect.Type) -> Schema:
    match kind:
        case inspect.LiteralType(values=values):
            return {"type": "string", "enum": list(values)}
        case inspect.DateTimeType():
            return {"type": "string", "format": "date-time"}
        case inspect.BoolType():
            return {"type": "boolean"}
        case inspect.StrType():
            limits = {
                "pattern": kind.pattern,
                "minLength": kind.min_length,
                "maxLength": kind.max_length,
            }
            found: Schema = {"type": "string"}
            return found | {name: limit for name, limit in limits.items() if limit is not None}
        case inspect.IntType():
            return {"type": "integer", "format": "int64"} | _range(kind)
        case inspect.FloatType():
            return {"type": "number"} | _range(kind)
        case _:
            raise TypeError(f"{kind} has no place in a CRD")


def _range(kind: inspect.IntType | inspect.FloatType) -> Schema:
    found: Schema = {}
    for name, closed, opened in (("minimum", kind.ge, kind.gt), ("maximum", kind.le, kind.lt)):
        if opened is not None:
            found |= {name: opened, f"exclusive{name.capitalize()}": True}
        elif closed is not None:
            found[name] = closed
    return found


def _list(kind: inspect.VarTupleType) -> Schema:
    limits = {"minItems": kind.min_length, "maxItems": kind.max_length}
    found: Schema = {"type": "array", "items": _of(kind.item_type)}
    return found | {name: limit for name, limit in limits.items() if limit}
