"""From a pod to a command line and an environment."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from local.agent_objects import ConfigMap, Meta, Secret
from local.agent_parts import (
    EnvFrom,
    EnvVar,
    FieldRef,
    KeyRef,
    ResourceRef,
    Resources,
    SourceRef,
    ValueFrom,
)
from local.agent_resolve import (
    ConfigError,
    Context,
    Place,
    Sources,
    command_of,
    environment_of,
    expand,
    field_of,
    resource_of,
)
from local.agent_settings import ProcessImage
from tests.local.agents import container, pod

PLACE = Place(
    pod_ip="10.97.1.2",
    host_ip="10.97.1.254",
    node_name="ads-1",
    api_host="10.96.0.2",
    api_port=6443,
)
SOURCES = Sources(
    config_maps={"conf": ConfigMap(metadata=Meta(name="conf"), data={"A": "1", "b c": "no name"})},
    secrets={"key": Secret(metadata=Meta(name="key"), data={"P": b"s3", "BAD": b"\xff"})},
)
IMAGE = ProcessImage(
    entrypoint=("/venv/bin/isthmus",), working_directory="/checkout", environ={"PATH": "/venv/bin"}
)


def context(one=None) -> Context:
    return Context(pod=one or pod(), place=PLACE, sources=SOURCES, image=IMAGE)


def env(*variables, **more) -> dict[str, str]:
    return environment_of(container(env=variables, **more), context())


def ref(name, **source) -> EnvVar:
    return EnvVar(name=name, value_from=ValueFrom(**source))


@pytest.mark.parametrize(
    "image", ["nginx", "isthmus.local/process2", "x/isthmus.local/process", ""]
)
def test_any_other_image_is_never_pulled(image) -> None:
    """The kubelet's word, and what a node has instead."""
    with pytest.raises(ConfigError, match=r"isthmus\.local/process") as caught:
        command_of(container(image=image), context())
    assert caught.value.reason == "ErrImageNeverPull"


@pytest.mark.parametrize("tail", ["", ":1.2", "@sha256:abc", ":1.2@sha256:abc"])
def test_a_tag_or_digest_is_the_same_image(tail) -> None:
    """Production manifests pin digests."""
    command_of(container(image=f"isthmus.local/process{tail}"), context())


def test_the_entry_point_is_used_without_a_command() -> None:
    """Arguments alone go to the image's program, a command replaces it, as in a container."""
    one = command_of(container(command=(), args=("router", "run")), context())
    assert one.argv == ("/venv/bin/isthmus", "router", "run")
    assert one.working_directory == "/checkout"
    two = command_of(container(command=("sh",), args=("-c",), working_dir="/w"), context())
    assert (two.argv, two.working_directory) == (("sh", "-c"), "/w")


def test_later_sources_win() -> None:
    """Image, API server, envFrom, env: in this order."""
    got = env(
        EnvVar(name="A", value="own"),
        env_from=(
            EnvFrom(config_map_ref=SourceRef(name="conf")),
            EnvFrom(prefix="C_", config_map_ref=SourceRef(name="conf")),
        ),
    )
    assert (got["A"], got["C_A"], got["PATH"]) == ("own", "1", "/venv/bin")
    assert (got["KUBERNETES_SERVICE_HOST"], got["KUBERNETES_SERVICE_PORT"]) == ("10.96.0.2", "6443")
    assert not any(" " in name for name in got)


def test_the_downward_api() -> None:
    """Fields of the pod and limits of a container."""
    got = env(
        ref("IP", field_ref=FieldRef(field_path="status.podIP")),
        ref("NODE", field_ref=FieldRef(field_path="spec.nodeName")),
        ref("NAME", field_ref=FieldRef(field_path="metadata.name")),
        ref("MEM", resource_field_ref=ResourceRef(resource="limits.memory", divisor="1Mi")),
        resources=Resources(limits={"memory": "64Mi"}),
    )
    assert (got["IP"], got["NODE"], got["NAME"], got["MEM"]) == (
        "10.97.1.2",
        "ads-1",
        "web-1",
        "64",
    )


def test_labels_by_subscript() -> None:
    """One label or annotation; one that is not there is empty."""
    one = pod(meta={"labels": {"app": "ads"}, "annotations": {"x": "1"}})
    assert field_of(FieldRef(field_path="metadata.labels['app']"), one, place=PLACE) == "ads"
    assert field_of(FieldRef(field_path="metadata.labels['no']"), one, place=PLACE) == ""
    assert field_of(FieldRef(field_path="metadata.labels"), one, place=PLACE) == 'app="ads"'
    with pytest.raises(ConfigError, match="expected one of"):
        field_of(FieldRef(field_path="spec.nothing"), one, place=PLACE)


@pytest.mark.parametrize("resource", ["limits", "nothing.cpu", ""])
def test_a_resource_that_is_none_is_refused(resource) -> None:
    """The message says the form."""
    with pytest.raises(ConfigError, match=r"limits\.X"):
        resource_of(ResourceRef(resource=resource), pod(), container=container())


def test_keys_of_objects() -> None:
    """A Secret's value arrives decoded."""
    got = env(
        ref("K", config_map_key_ref=KeyRef(name="conf", key="A")),
        ref("S", secret_key_ref=KeyRef(name="key", key="P")),
        ref("O", secret_key_ref=KeyRef(name="none", key="P", optional=True)),
    )
    assert (got["K"], got["S"]) == ("1", "s3")
    assert "O" not in got


@pytest.mark.parametrize(
    ("variable", "said"),
    [
        (ref("K", config_map_key_ref=KeyRef(name="none", key="A")), 'configmap "none" not found'),
        (ref("K", config_map_key_ref=KeyRef(name="conf", key="Z")), "couldn't find key Z"),
        (ref("S", secret_key_ref=KeyRef(name="none", key="P")), 'secret "none" not found'),
        (ref("S", secret_key_ref=KeyRef(name="key", key="BAD")), "UTF-8"),
        (ref("X"), "expected one of the sources"),
    ],
)
def test_what_is_missing_keeps_the_container_from_starting(variable, said) -> None:
    """The kubelet's reason, and no value in the message."""
    with pytest.raises(ConfigError, match=said) as caught:
        env(variable)
    assert caught.value.reason == "CreateContainerConfigError"


@pytest.mark.parametrize("source", ["config_map_ref", "secret_ref"])
def test_a_whole_object_that_is_missing(source) -> None:
    """Refused unless it is optional."""
    with pytest.raises(ConfigError, match="not found"):
        env(env_from=(EnvFrom(**{source: SourceRef(name="none")}),))
    env(env_from=(EnvFrom(**{source: SourceRef(name="none", optional=True)}),))


@pytest.mark.parametrize(
    ("text", "expanded"),
    [("$(A)", "1"), ("x$(A)$(A)", "x11"), ("$$(A)", "$(A)"), ("$(Z)", "$(Z)"), ("$A", "$A"),
     ("$(A", "$(A"), ("$()", "$()")],
)  # fmt: skip
def test_references(text, expanded) -> None:
    """Kubernetes' rules: known names, doubled dollars, the rest as written."""
    assert expand(text, {"A": "1"}) == expanded


@given(text=st.text(st.characters(exclude_characters="$")))
def test_text_without_a_dollar_is_left_alone(text) -> None:
    """Nothing else means anything."""
    assert expand(text, {"A": "1"}) == text


def test_a_variable_sees_those_before_it() -> None:
    """Arguments see all of them."""
    one = container(
        env=(EnvVar(name="A", value="1"), EnvVar(name="B", value="$(A)2")), args=("--b=$(B)",)
    )
    assert command_of(one, context()).argv == ("serve", "--b=12")


def test_no_command_at_all_is_named() -> None:
    """An image without an entry point needs one."""
    bare = ProcessImage(entrypoint=(), working_directory="/")
    with pytest.raises(ConfigError, match="no command"):
        command_of(
            container(command=()), Context(pod=pod(), place=PLACE, sources=SOURCES, image=bare)
        )
