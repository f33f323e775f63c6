"""A pod's volumes as files to write and mounts to make; which objects they need. Pure.

Secrets and tokens get no mode beyond their owner's (0600 unless asked for less); ConfigMaps 0644.
"""

from collections.abc import Iterator, Mapping
from pathlib import PurePosixPath
from typing import Literal

import msgspec

from local.agent_objects import Pod
from local.agent_parts import (
    Container,
    DownwardSource,
    ObjectSource,
    ProjectedPart,
    TokenSource,
    Volume,
)
from local.agent_resolve import ConfigError, Place, Sources, field_of, resource_of

PUBLIC_MODE = 0o644
SECRET_MODE = 0o600


class VolumeFile(msgspec.Struct, frozen=True, kw_only=True):
    """One file of a volume, by its path in it."""

    path: str
    data: bytes
    mode: int


class MountPlan(msgspec.Struct, frozen=True, kw_only=True):
    """`source` is relative to the pod's volumes."""

    source: str
    target: str
    read_only: bool


class Needs(msgspec.Struct, frozen=True, kw_only=True):
    """Names of what must be fetched before a pod can be made; tokens by (audience, seconds)."""

    config_maps: frozenset[str]
    secrets: frozenset[str]
    tokens: frozenset[tuple[str, int]]


def needs_of(pod: Pod) -> Needs:
    """Every ConfigMap, Secret and token the pod names, optional or not."""
    found: set[tuple[Literal["config", "secret"], str]] = set()
    tokens: set[tuple[str, int]] = set()
    for container in (*pod.spec.init_containers, *pod.spec.containers):
        found |= set(_container_needs(container))
    for part in (part for volume in pod.spec.volumes for part in parts_of(volume)):
        if part.config_map is not None:
            found.add(("config", part.config_map.name))
        if part.secret is not None:
            found.add(("secret", part.secret.name or part.secret.secret_name))
        if part.service_account_token is not None:
            tokens.add(token_key(part.service_account_token))
    return Needs(
        config_maps=frozenset(name for kind, name in found if kind == "config"),
        secrets=frozenset(name for kind, name in found if kind == "secret"),
        tokens=frozenset(tokens),
    )


def _container_needs(container: Container) -> Iterator[tuple[Literal["config", "secret"], str]]:
    for source in container.env_from:
        if source.config_map_ref is not None:
            yield "config", source.config_map_ref.name
        if source.secret_ref is not None:
            yield "secret", source.secret_ref.name
    for value in (it.value_from for it in container.env if it.value_from is not None):
        if value.config_map_key_ref is not None:
            yield "config", value.config_map_key_ref.name
        if value.secret_key_ref is not None:
            yield "secret", value.secret_key_ref.name


def token_key(source: TokenSource) -> tuple[str, int]:
    """What tells one token of a pod from another."""
    return source.audience, source.expiration_seconds


def parts_of(volume: Volume) -> tuple[ProjectedPart, ...]:
    """A volume as the projected volume it is a case of; an emptyDir has no parts."""
    if volume.projected is not None:
        return volume.projected.sources
    part = ProjectedPart(
        config_map=volume.config_map, secret=volume.secret, downward_api=volume.downward_api
    )
    return (part,)


def files_of(volume: Volume, pod: Pod, *, sources: Sources, place: Place) -> tuple[VolumeFile, ...]:
    """What the volume holds at first. Raises `ConfigError`."""
    kinds = (volume.config_map, volume.secret, volume.downward_api, volume.projected)
    if volume.empty_dir is None and all(kind is None for kind in kinds):
        raise ConfigError(
            f"volume {volume.name}: expected configMap, secret, emptyDir, downwardAPI or projected: "
            "a process node has no other kind"
        )
    mode = volume.projected.default_mode if volume.projected else None
    files: dict[str, VolumeFile] = {}
    for part in parts_of(volume):
        for file in _part_files(part, pod, sources=sources, place=place, mode=mode):
            files[_inside(file.path, volume.name)] = file
    return tuple(files.values())


def _part_files(
    part: ProjectedPart, pod: Pod, *, sources: Sources, place: Place, mode: int | None
) -> Iterator[VolumeFile]:
    if (source := part.config_map) is not None:
        config_map = sources.config_maps.get(source.name)
        data = None
        if config_map is not None:
            texts = {key: text.encode() for key, text in config_map.data.items()}
            data = {**texts, **config_map.binary_data}
        yield from _object_files("configmap", source, data, mode=mode)
    if (source := part.secret) is not None:
        secret = sources.secrets.get(source.name or source.secret_name)
        yield from _object_files("secret", source, secret.data if secret else None, mode=mode)
    if part.downward_api is not None:
        yield from _downward_files(part.downward_api, pod, place=place, mode=mode)
    if (token := part.service_account_token) is not None:
        text = sources.tokens.get(token_key(token))
        if text is None:
            raise ConfigError(f"no token for service account {pod.spec.service_account_name!r}")
        yield VolumeFile(path=token.path, data=text.encode(), mode=SECRET_MODE)


def _object_files(
    kind: Literal["configmap", "secret"],
    source: ObjectSource,
    data: Mapping[str, bytes] | None,
    *,
    mode: int | None,
) -> Iterator[VolumeFile]:
    name = source.name or source.secret_name
    if data is None:
        if source.optional:
            return
        raise ConfigError(f'{kind} "{name}" not found')
    usual = source.default_mode if source.default_mode is not None else mode
    if not source.items:
        for key, value in data.items():
            yield VolumeFile(path=key, data=value, mode=_mode(kind, usual))
    for item in source.items:
        if item.key in data:
            asked = item.mode if item.mode is not None else usual
            yield VolumeFile(path=item.path, data=data[item.key], mode=_mode(kind, asked))
        elif not source.optional:
            raise ConfigError(f'{kind} "{name}" has no key {item.key}')


def _mode(kind: Literal["configmap", "secret"], asked: int | None) -> int:
    usual = SECRET_MODE if kind == "secret" else PUBLIC_MODE
    return usual if asked is None else asked & (0o700 if kind == "secret" else 0o777)


def _downward_files(
    source: DownwardSource, pod: Pod, *, place: Place, mode: int | None
) -> Iterator[VolumeFile]:
    usual = source.default_mode if source.default_mode is not None else mode
    for item in source.items:
        if item.field_ref is not None:
            text = field_of(item.field_ref, pod, place=place)
        elif item.resource_field_ref is not None:
            text = resource_of(item.resource_field_ref, pod, container=None)
        else:
            raise ConfigError(f"downwardAPI {item.path}: expected fieldRef or resourceFieldRef")
        asked = item.mode if item.mode is not None else usual
        yield VolumeFile(
            path=item.path, data=text.encode(), mode=PUBLIC_MODE if asked is None else asked
        )


def mounts_of(container: Container, pod: Pod) -> tuple[MountPlan, ...]:
    """The container's mounts, parents before children. Raises `ConfigError`."""
    names = {volume.name: volume for volume in pod.spec.volumes}
    plans: list[MountPlan] = []
    for mount in container.volume_mounts:
        volume = names.get(mount.name)
        if volume is None:
            raise ConfigError(f"volumeMount {mount.name}: expected a volume of that name")
        target = PurePosixPath("/", mount.mount_path)
        if ".." in target.parts or len(target.parts) < 2:
            raise ConfigError(f"volumeMount {mount.name}: expected an absolute path below /")
        source = mount.name
        if mount.sub_path:
            source = f"{mount.name}/{_inside(mount.sub_path, mount.name)}"
        read_only = mount.read_only or volume.empty_dir is None
        plans.append(MountPlan(source=source, target=str(target), read_only=read_only))
    return tuple(sorted(plans, key=lambda it: len(PurePosixPath(it.target).parts)))


def _inside(path: str, volume: str) -> str:
    parts = PurePosixPath(path)
    if parts.is_absolute() or ".." in parts.parts or not parts.parts or "\0" in path:
        raise ConfigError(f"volume {volume}: {path!r}: expected a path inside the volume")
    return str(parts)
