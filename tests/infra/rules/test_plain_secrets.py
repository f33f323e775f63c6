"""No secret in plain: both ways for every place, and no message ever shows a value."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.rules.plain_secrets import check, looks_secret
from infra.rules.values import SECRET, SIGNATURE
from tests.infra.rules.world import GROUND, deployment, named, resource

HIDDEN = {SIGNATURE: SECRET, "ciphertext": "v1:x"}


def said(kind: str, body: dict[str, object]) -> list[str]:
    return list(check(resource(kind, body, stack="dev-private"), GROUND))


@pytest.mark.parametrize(
    "name",
    ["PASSWORD", "PGPASSWORD", "DB_PASSWD", "passphrase", "API_KEY", "apiKey", "TOKEN", "k3sToken", "CLIENT_SECRET",
     "AWS_SECRET_ACCESS_KEY", "USER_KEY", "privateKey", "LEDGER_DSN", "credentials"],
)  # fmt: skip
def test_names_that_call_their_value_a_secret(name: str) -> None:
    """In any case and style."""
    assert looks_secret(name)


@pytest.mark.parametrize(
    "name",
    ["PASSWORD_FILE", "tokenPath", "SECRET_NAME", "secretRef", "KEYBOARD", "MONKEY", "HOST", "httpTokens",
     "SECRETS_DIR", "apiKeyId", "keyArn", "passwordPolicy", ""],
)  # fmt: skip
def test_names_that_say_where_it_is_or_nothing(name: str) -> None:
    """A path to a secret is none."""
    assert not looks_secret(name)


def test_a_literal_in_the_environment_is_refused_even_as_a_pulumi_secret() -> None:
    """In the cluster it stands in the pod all the same; a reference does not."""

    def env(**entry: object) -> dict[str, object]:
        return deployment(container={"env": [{"name": "DB_PASSWORD", **entry}]})

    assert "variable DB_PASSWORD" in said("Deployment", env(value="hunter-2"))[0]
    assert said("Deployment", env(value=HIDDEN))
    assert said("Deployment", env(valueFrom={"secretKeyRef": {"name": "s", "key": "k"}})) == []
    assert said("Deployment", env(value="")) == []
    harmless = deployment(container={"env": [{"name": "LOG_LEVEL", "value": "debug"}]})
    assert said("Deployment", harmless) == []
    job = {"jobTemplate": {"spec": {"template": env(value="x")["spec"]["template"]}}}
    assert said("CronJob", named("c", spec=job))


def test_a_secret_s_data_is_hidden_in_the_state() -> None:
    """All of it, or each value; a plain one is named by its key."""
    assert said("Secret", named("s", stringData=HIDDEN)) == []
    assert said("Secret", named("s", stringData={"a": HIDDEN}, data=HIDDEN)) == []
    assert said("Secret", named("s", stringData={"a": HIDDEN, "b": "plain"})) == [
        "Secret shop/s: stringData.b is in plain in the state"
    ]
    assert said("Secret", named("s", data={"a": "cGxhaW4="}))


def test_a_config_map_is_no_place_for_secrets() -> None:
    """By its keys, and a private key under any key."""
    assert said("ConfigMap", named("c", data={"password": "x"}))
    assert said("ConfigMap", named("c", data={"settings.json": "{}"})) == []
    key = f"-----BEGIN {'RSA '}PRIVATE KEY-----\nx"
    assert said("ConfigMap", named("c", data={"harmless": key}))
    assert said(
        "ConfigMap", named("c", data={"kubeconfig": "users:\n- user: {client-key-data: x}"})
    )


def test_inputs_of_anything_else_are_judged_by_name() -> None:
    """A provider's kubeconfig may be a path, not a text; deep names count; cloud settings that sound alike do not."""
    assert said("pulumi:providers:kubernetes", {"kubeconfig": "clusters: []\nusers: []"})
    assert said("pulumi:providers:kubernetes", {"kubeconfig": HIDDEN}) == []
    assert said("pulumi:providers:kubernetes", {"kubeconfig": "/etc/kubeconfig"}) == []
    assert said("command:remote:Command", {"connection": {"privateKey": "x"}})
    assert said("command:remote:Command", {"connection": {"privateKey": HIDDEN}}) == []
    assert (
        said(
            "aws:ec2/launchTemplate:LaunchTemplate", {"metadataOptions": {"httpTokens": "required"}}
        )
        == []
    )


@given(value=st.text(min_size=12, max_size=40).filter(lambda text: "PRIVATE KEY" not in text))
def test_no_message_shows_a_value(value: str) -> None:
    """The place is enough."""
    bodies = (
        ("Deployment", deployment(container={"env": [{"name": "TOKEN", "value": value}]})),
        ("Secret", named("s", stringData={"k": value})),
        ("ConfigMap", named("c", data={"token": value})),
        ("command:local:Command", {"password": value}),
    )
    for kind, body in bodies:
        messages = said(kind, body)
        assert messages
        assert not any(value in message for message in messages)


def test_a_label_s_key_and_a_switch_are_no_secrets() -> None:
    """Node pools of clouds have `key`s in lists, providers switches named for credentials."""
    body: dict[str, object] = {
        "labels": [{"key": "isthmus.dev/pool", "value": "ads"}],
        "skipCredentialsValidation": "false",
    }
    assert said("alicloud:cs/nodePool:NodePool", body) == []
