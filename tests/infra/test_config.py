"""Configuration: every key typed, errors that name key, expectation and fix, and never a value."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.config import ConfigError, Settings, keys, parse, project_file, refuse_plain

KINDS = {"string": str, "integer": int, "boolean": bool, "array": tuple}


def refusal(key: str, text: str) -> str:
    try:
        return repr(parse({key: text}))
    except ConfigError as error:
        return str(error)


def test_nothing_given_means_every_default() -> None:
    """An empty stack is a stack of defaults."""
    assert parse({}) == Settings()


@given(
    st.integers(0, 500), st.sampled_from([False, True]), st.lists(st.text(max_size=20), max_size=4)
)
def test_texts_become_values(nodes: int, spot: object, networks: list[str]) -> None:
    """What the engine hands over as text arrives with its type."""
    import msgspec  # noqa: PLC0415 - only to write the list as the engine does

    given_texts = {
        "adNodes": str(nodes), "adSpot": str(spot).lower(),
        "networks": msgspec.json.encode(networks).decode(),
    }  # fmt: skip
    settings = parse(given_texts)
    assert (settings.ad_nodes, settings.ad_spot, settings.networks) == (
        nodes,
        spot,
        tuple(networks),
    )


@pytest.mark.parametrize(
    ("key", "text", "expected"),
    [
        ("adNodes", "many", "a number in range"),
        ("adNodes", "501", "a number in range"),
        ("adNodes", "-1", "a number in range"),
        ("adSpot", "perhaps", "true or false"),
        ("reservePercent", "101", "a number in range"),
        ("driver", "secret-value", "a text"),
        ("networks", "10.0.0.0/8", "a JSON list"),
        ("networks", "[1]", "a JSON list"),
        ("sites", '["everywhere"]', "a list of texts"),
        ("image", "", "a text"),
    ],
)
def test_a_wrong_value_is_named_by_key_expectation_and_fix(
    key: str, text: str, expected: str
) -> None:
    """The message has the full key, what it should have been and the command that mends it, never the value."""
    with pytest.raises(ConfigError) as caught:
        parse({key: text})
    said = str(caught.value)
    assert said.startswith(f"isthmus:{key}: ")
    assert f"expected {expected}" in said
    assert "fix: pulumi config set" in said
    assert not text or text == "-1" or f'"{text}"' not in said


def test_a_key_that_does_not_exist_gets_its_nearest() -> None:
    """A typing error is not ignored: the default would silently win."""
    with pytest.raises(ConfigError, match=r'isthmus:adNode: no such key.*did you mean "adNodes"'):
        parse({"adNode": "13"})


@given(st.sampled_from([it.name for it in keys()]), st.text())
def test_any_text_is_a_value_or_an_error_of_its_key(key: str, text: str) -> None:
    """No text makes anything but a settings object or a named error."""
    assert refusal(key, text).startswith((f"isthmus:{key}: ", "Settings("))


def test_every_key_is_typed_described_and_defaulted() -> None:
    """Nobody has to read the code to configure a stack."""
    for key in keys():
        assert key.description.endswith(".")
        assert isinstance(key.default, KINDS[key.kind])


def test_what_is_a_credential_is_declared_secret() -> None:
    """The engine encrypts these whatever the user types."""
    secret = {key.name for key in keys() if key.secret}
    assert secret == {
        "kubeconfig", "sshKey", "k3sToken", "ledgerDsn", "warehouseDsn", "databasePassword",
    }  # fmt: skip
    assert project_file().count("A secret: pulumi config set --secret.") == len(secret)


def test_a_credential_in_plain_is_refused_and_an_encrypted_one_is_not() -> None:
    """With the command that encrypts it, and never its value; what is no credential may be plain."""
    values = {"ledgerDsn": "hunter2", "driver": "local", "warehouseDsn": ""}
    with pytest.raises(
        ConfigError, match="isthmus:ledgerDsn: stands in the stack's file in plain"
    ) as caught:
        refuse_plain(values, [])
    assert "--secret isthmus:ledgerDsn" in str(caught.value)
    assert "hunter2" not in str(caught.value)
    refuse_plain(values, ["ledgerDsn"])


def test_no_key_is_declared_so_that_a_stack_without_it_is_refused() -> None:
    """The engine merges the default in plain and then demands that it be encrypted."""
    assert "secret: true" not in project_file()
