"""Volumes as files and mounts."""

import pytest

from local.agent_objects import ConfigMap, Meta, Secret
from local.agent_parts import (
    DownwardItem,
    DownwardSource,
    EmptyDir,
    EnvFrom,
    EnvVar,
    FieldRef,
    KeyRef,
    KeyToPath,
    Mount,
    ObjectSource,
    Projected,
    ProjectedPart,
    SourceRef,
    TokenSource,
    ValueFrom,
    Volume,
)
from local.agent_resolve import ConfigError, Sources
from local.agent_volumes import files_of, mounts_of, needs_of, token_key
from tests.local.agents import container, pod
from tests.local.test_agent_resolve import PLACE

TOKEN = TokenSource(path="token", audience="api", expiration_seconds=3607)
SOURCES = Sources(
    config_maps={
        "conf": ConfigMap(
            metadata=Meta(name="conf"), data={"a.yaml": "x"}, binary_data={"b": b"\0"}
        )
    },
    secrets={"key": Secret(metadata=Meta(name="key"), data={"tls.key": b"k"})},
    tokens={token_key(TOKEN): "t0ken"},
)


def files(volume) -> dict[str, tuple[bytes, int]]:
    found = files_of(volume, pod(), sources=SOURCES, place=PLACE)
    return {it.path: (it.data, it.mode) for it in found}


def test_a_config_map_is_readable_by_all_and_a_secret_by_its_owner() -> None:
    """0644 and 0600, whatever the API's default of 0644 for both."""
    conf = files(Volume(name="v", config_map=ObjectSource(name="conf", default_mode=0o644)))
    assert conf == {"a.yaml": (b"x", 0o644), "b": (b"\0", 0o644)}
    key = files(Volume(name="v", secret=ObjectSource(secret_name="key", default_mode=0o644)))
    assert key == {"tls.key": (b"k", 0o600)}
    strict = files(Volume(name="v", secret=ObjectSource(secret_name="key", default_mode=0o400)))
    assert strict == {"tls.key": (b"k", 0o400)}


def test_items_choose_keys_and_paths() -> None:
    """A key that is not there is an error, unless the source is optional."""
    item = KeyToPath(key="a.yaml", path="deep/er.yaml", mode=0o600)
    got = files(Volume(name="v", config_map=ObjectSource(name="conf", items=(item,))))
    assert got == {"deep/er.yaml": (b"x", 0o600)}
    none = (KeyToPath(key="none", path="p"),)
    with pytest.raises(ConfigError, match="no key none"):
        files(Volume(name="v", config_map=ObjectSource(name="conf", items=none)))
    maybe = ObjectSource(name="conf", items=none, optional=True)
    assert files(Volume(name="v", config_map=maybe)) == {}


@pytest.mark.parametrize("path", ["../up", "/abs", "a/../../b", "", "."])
def test_a_path_out_of_the_volume_is_refused(path) -> None:
    """A key cannot write elsewhere on the machine."""
    item = KeyToPath(key="a.yaml", path=path)
    with pytest.raises(ConfigError, match="inside the volume"):
        files(Volume(name="v", config_map=ObjectSource(name="conf", items=(item,))))


def test_a_projected_volume_has_all_its_sources() -> None:
    """What every pod gets: token, CA bundle, namespace; the token is its owner's alone."""
    volume = Volume(
        name="kube-api-access",
        projected=Projected(
            default_mode=0o644,
            sources=(
                ProjectedPart(service_account_token=TOKEN),
                ProjectedPart(config_map=ObjectSource(name="conf")),
                ProjectedPart(
                    downward_api=DownwardSource(
                        items=(
                            DownwardItem(
                                path="namespace",
                                field_ref=FieldRef(field_path="metadata.namespace"),
                            ),
                        )
                    )
                ),
            ),
        ),
    )
    got = files(volume)
    assert got["token"] == (b"t0ken", 0o600)
    assert got["namespace"] == (b"shop", 0o644)
    assert got["a.yaml"] == (b"x", 0o644)


def test_missing_objects_are_named() -> None:
    """A missing token too; an optional object leaves an empty directory."""
    with pytest.raises(ConfigError, match='configmap "none" not found'):
        files(Volume(name="v", config_map=ObjectSource(name="none")))
    assert files(Volume(name="v", secret=ObjectSource(secret_name="none", optional=True))) == {}
    other = ProjectedPart(service_account_token=TokenSource(path="t"))
    with pytest.raises(ConfigError, match="no token"):
        files(Volume(name="v", projected=Projected(sources=(other,))))


def test_an_empty_directory_has_no_files_and_any_other_kind_is_refused() -> None:
    """A hostPath or claim leaves a pod waiting with the reason."""
    assert files(Volume(name="v", empty_dir=EmptyDir())) == {}
    with pytest.raises(ConfigError, match="expected configMap, secret"):
        files(Volume(name="v"))


def test_a_downward_item_needs_a_source() -> None:
    """Neither field nor resource is refused."""
    source = DownwardSource(items=(DownwardItem(path="x"),))
    with pytest.raises(ConfigError, match="expected fieldRef"):
        files(Volume(name="v", downward_api=source))


def test_everything_a_pod_names_is_fetched() -> None:
    """Variables, whole objects, volumes, projected parts, init containers."""
    one = pod(
        container(
            env=(
                EnvVar(
                    name="a", value_from=ValueFrom(config_map_key_ref=KeyRef(name="c1", key="k"))
                ),
                EnvVar(name="b", value_from=ValueFrom(secret_key_ref=KeyRef(name="s1", key="k"))),
            ),
            env_from=(EnvFrom(config_map_ref=SourceRef(name="c2")),),
        ),
        init_containers=(container("i", env_from=(EnvFrom(secret_ref=SourceRef(name="s2")),)),),
        volumes=(
            Volume(name="v", secret=ObjectSource(secret_name="s3")),
            Volume(
                name="p",
                projected=Projected(
                    sources=(
                        ProjectedPart(config_map=ObjectSource(name="c3")),
                        ProjectedPart(secret=ObjectSource(name="s4")),
                        ProjectedPart(service_account_token=TOKEN),
                    )
                ),
            ),
        ),
    )
    needs = needs_of(one)
    assert needs.config_maps == {"c1", "c2", "c3"}
    assert needs.secrets == {"s1", "s2", "s3", "s4"}
    assert needs.tokens == {("api", 3607)}


def test_mounts_are_ordered_and_only_an_empty_directory_can_be_written() -> None:
    """A mount below another comes after it."""
    one = pod(
        volumes=(
            Volume(name="conf", config_map=ObjectSource(name="conf")),
            Volume(name="work", empty_dir=EmptyDir()),
        )
    )
    deep = Mount(name="conf", mount_path="/a/b/c")
    web = container(
        volume_mounts=(
            deep, Mount(name="work", mount_path="/a", sub_path="s"),
            Mount(name="work", mount_path="/ro", read_only=True),
        )
    )  # fmt: skip
    got = [(it.target, it.source, it.read_only) for it in mounts_of(web, one)]
    assert got == [("/a", "work/s", False), ("/ro", "work", True), ("/a/b/c", "conf", True)]


@pytest.mark.parametrize(
    "mount",
    [Mount(name="none", mount_path="/x"), Mount(name="v", mount_path="/"),
     Mount(name="v", mount_path="/a/../.."), Mount(name="v", mount_path="/x", sub_path="../y")],
)  # fmt: skip
def test_mounts_that_cannot_be_made_are_refused(mount) -> None:
    """Over the root, upwards, of a volume that is not there."""
    one = pod(volumes=(Volume(name="v", empty_dir=EmptyDir()),))
    with pytest.raises(ConfigError, match="expected"):
        mounts_of(container(volume_mounts=(mount,)), one)
