"""Every contract at once: golden files, strict decoding, and the committed schemas."""

import importlib
import json
import pkgutil
from collections.abc import Iterator

import msgspec
import pytest

import contracts
from contracts.base import Contract
from contracts.schema import DIRECTORY, ROOTS, file_name, generate
from tests.contracts.examples import EXAMPLES, golden_bytes, golden_path

by_root = pytest.mark.parametrize("example", EXAMPLES, ids=lambda one: type(one).__name__)


def every_contract() -> set[type[Contract]]:
    for module in pkgutil.iter_modules(contracts.__path__, "contracts."):
        importlib.import_module(module.name)
    return {kind for kind in Contract.__subclasses__() if kind.__module__.startswith("contracts.")}


def parts_of(kind: type[Contract]) -> Iterator[str]:
    yield from msgspec.json.schema(kind).get("$defs", {})


def test_there_is_an_example_of_every_root() -> None:
    """Each root has exactly one golden file and no file is left over."""
    assert [type(example) for example in EXAMPLES] == list(ROOTS)
    names = {golden_path(example).name for example in EXAMPLES}
    assert names == {path.name for path in golden_path(EXAMPLES[0]).parent.iterdir()}


def test_every_contract_belongs_to_a_root() -> None:
    """No struct of this folder stands outside what is generated and tested."""
    covered = {name for root in ROOTS for name in parts_of(root)}
    assert {kind.__name__ for kind in every_contract()} - covered == set()


@by_root
def test_the_golden_file_is_the_example(example: Contract) -> None:
    """Written as committed, read back as the same value, byte for byte."""
    golden = golden_path(example).read_bytes()
    assert golden_bytes(example) == golden
    assert golden_bytes(msgspec.json.decode(golden, type=type(example))) == golden


@by_root
def test_an_unknown_key_is_refused_at_every_depth(example: Contract) -> None:
    """A key that is not the contract's stops the reader, in the root and in every part."""
    golden = json.loads(golden_path(example).read_bytes())
    for spoiled in with_unknown_keys(golden, type(example)):
        with pytest.raises(msgspec.ValidationError):
            msgspec.json.decode(json.dumps(spoiled), type=type(example))


def with_unknown_keys(document: object, kind: type[Contract]) -> Iterator[object]:
    """The document with one foreign key added, once in the root and once in each struct inside."""
    if isinstance(document, list):
        yield [*document, "more"]
        return
    assert isinstance(document, dict)
    yield document | {"no such key": 1}
    for field in msgspec.structs.fields(kind):
        part = document.get(field.encode_name)
        if isinstance(part, dict) and is_contract(field.type):
            for spoiled in with_unknown_keys(part, field.type):
                yield document | {field.encode_name: spoiled}
        elif isinstance(part, list) and part and isinstance(part[0], dict):
            yield document | {field.encode_name: [part[0] | {"no such key": 1}]}


def is_contract(kind: object) -> bool:
    return isinstance(kind, type) and issubclass(kind, Contract)


@by_root
def test_a_missing_key_is_refused_unless_it_has_a_default(example: Contract) -> None:
    """Each required key is needed."""
    if not isinstance(golden := json.loads(golden_path(example).read_bytes()), dict):
        assert len(golden) == len(msgspec.structs.fields(type(example)))
        return
    for field in msgspec.structs.fields(type(example)):
        shorter = {key: value for key, value in golden.items() if key != field.encode_name}
        if not field.required:
            msgspec.json.decode(json.dumps(shorter), type=type(example))
            continue
        with pytest.raises(msgspec.ValidationError, match=field.encode_name):
            msgspec.json.decode(json.dumps(shorter), type=type(example))


@pytest.mark.parametrize("name", sorted(generate()))
def test_the_committed_schema_is_the_generated_one(name: str) -> None:
    """Run `make schemas` after a contract changed."""
    assert (DIRECTORY / name).read_bytes() == generate()[name]


def test_no_schema_is_left_over() -> None:
    """The directory holds a file per root and nothing else."""
    assert {path.name for path in DIRECTORY.iterdir()} == {file_name(root) for root in ROOTS}


def test_evidence_survives_msgpack() -> None:
    """The chain is written as msgpack: bytes stay bytes there."""
    chained = next(example for example in EXAMPLES if type(example).__name__ == "ChainedRecord")
    packed = msgspec.msgpack.encode(chained)
    assert msgspec.msgpack.decode(packed, type=type(chained)) == chained
