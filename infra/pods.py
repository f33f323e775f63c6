"""The pod of a workload: probes, resources, security, spread, files; what the restricted pod standard asks for."""

import dataclasses

import pulumi
from pulumi_kubernetes import core, meta

from infra.commands import LEDGER_ENV
from infra.config import Settings
from infra.documents import WAREHOUSE_ENV
from infra.names import (
    CONFIG,
    KUBECONFIG,
    LABEL_CLASS,
    LABEL_NAME,
    LABEL_PART_OF,
    LABEL_POOL,
    LABEL_RUNTIME,
    LABEL_SITE,
    PART_OF,
    PORT_HTTP,
    PORT_PROBE,
    STATE,
    USER_ID,
)
from infra.workloads import Workload

GRACE_S = 15
"""A router drains 5 s, a service 2 s, the bridge ends its transaction within 10 s."""
STATE_SIZE = "256Mi"


@dataclasses.dataclass(frozen=True, kw_only=True)
class PodParts:
    """What a pod is made of beside its workload; names of objects, empty for none.

    `binding` is what its node must carry; `stamp` changes when the pod must be made anew.
    """

    image: str
    python: str
    arguments: pulumi.Input[list[str]]
    working_directory: str
    config: pulumi.Input[str] | None
    kubeconfigs: str
    database: str
    binding: dict[str, str]
    stamp: pulumi.Input[str]
    settings: Settings


def labels(workload: Workload) -> dict[str, str]:
    """What every object of a workload carries; the policy pack and admission read the class."""
    return {
        LABEL_NAME: workload.name,
        LABEL_PART_OF: PART_OF,
        LABEL_SITE: workload.site,
        LABEL_CLASS: workload.traffic_class,
    }


def selector(name: str) -> dict[str, str]:
    """What selects a workload's pods; never changes for the life of a Deployment."""
    return {LABEL_NAME: name, LABEL_PART_OF: PART_OF}


def binding(workload: Workload, settings: Settings, *, on_host: bool) -> dict[str, str]:
    """Which nodes may run it."""
    pool = {LABEL_POOL: workload.pool} if workload.site in settings.pooled_sites else {}
    return {**pool, LABEL_RUNTIME: "process"} if on_host else pool


def pod_template(workload: Workload, parts: PodParts) -> core.v1.PodTemplateSpecArgs:
    """The template of the workload's Deployment."""
    return core.v1.PodTemplateSpecArgs(
        metadata=meta.v1.ObjectMetaArgs(
            labels=labels(workload), annotations={"isthmus.dev/stamp": parts.stamp}
        ),
        spec=core.v1.PodSpecArgs(
            service_account_name=workload.name,
            automount_service_account_token=False,
            enable_service_links=False,
            termination_grace_period_seconds=GRACE_S,
            node_selector=parts.binding,
            tolerations=_tolerations(workload, parts.settings),
            topology_spread_constraints=[_spread(workload, key) for key in _SPREAD_KEYS],
            security_context=core.v1.PodSecurityContextArgs(
                run_as_non_root=True, run_as_user=USER_ID, run_as_group=USER_ID, fs_group=USER_ID,
                seccomp_profile=core.v1.SeccompProfileArgs(type="RuntimeDefault"),
            ),
            containers=[_container(workload, parts)],
            volumes=_volumes(parts),
        ),
    )  # fmt: skip


_SPREAD_KEYS = ("kubernetes.io/hostname", "topology.kubernetes.io/zone")


def _spread(workload: Workload, key: str) -> core.v1.TopologySpreadConstraintArgs:
    # "anyway": fewer nodes than pods is no reason to serve less
    return core.v1.TopologySpreadConstraintArgs(
        max_skew=1, topology_key=key, when_unsatisfiable="ScheduleAnyway",
        label_selector=meta.v1.LabelSelectorArgs(match_labels=selector(workload.name)),
    )  # fmt: skip


def _tolerations(workload: Workload, settings: Settings) -> list[core.v1.TolerationArgs]:
    found = [
        core.v1.TolerationArgs(
            key=LABEL_POOL, operator="Equal", value=workload.pool, effect="NoSchedule"
        )
    ]
    if workload.traffic_class == "sensitive":
        found.append(
            core.v1.TolerationArgs(
                key=LABEL_CLASS, operator="Equal", value="sensitive", effect="NoSchedule"
            )
        )
    found += [
        core.v1.TolerationArgs(
            key=f"node.kubernetes.io/{why}", operator="Exists", effect="NoExecute",
            toleration_seconds=settings.node_loss_s,
        )
        for why in ("not-ready", "unreachable")
    ]  # fmt: skip
    return found


def _container(workload: Workload, parts: PodParts) -> core.v1.ContainerArgs:
    ports = [core.v1.ContainerPortArgs(name="http", container_port=PORT_HTTP)]
    if workload.router:
        ports.append(core.v1.ContainerPortArgs(name="probe", container_port=PORT_PROBE))
    memory = f"{workload.memory_mib}Mi"
    return core.v1.ContainerArgs(
        name=workload.name,
        image=parts.image,
        image_pull_policy="IfNotPresent",
        command=[parts.python],
        args=parts.arguments,
        working_dir=parts.working_directory or None,
        env=_environment(workload, parts),
        ports=ports if workload.serves else None,
        volume_mounts=_mounts(parts),
        resources=core.v1.ResourceRequirementsArgs(
            requests={"cpu": f"{workload.cpu_millicores}m", "memory": memory},
            limits={"memory": memory},
        ),
        security_context=core.v1.SecurityContextArgs(
            allow_privilege_escalation=False, privileged=False, read_only_root_filesystem=True,
            run_as_non_root=True, capabilities=core.v1.CapabilitiesArgs(drop=["ALL"]),
        ),
        readiness_probe=_ready(workload),
        startup_probe=_started(workload),
        liveness_probe=_alive(workload),
    )  # fmt: skip


def _ready(workload: Workload) -> core.v1.ProbeArgs:
    """Quickly: an endpoint that is not ready is one that is not asked."""
    if not workload.serves:
        found = core.v1.ExecActionArgs(command=["/usr/bin/test", "-s", f"{STATE}/ready.json"])
        return core.v1.ProbeArgs(exec_=found, period_seconds=1, timeout_seconds=1)
    asked = _get(workload, "/readyz" if workload.router else "/healthz")
    return core.v1.ProbeArgs(http_get=asked, period_seconds=1, timeout_seconds=1)


def _started(workload: Workload) -> core.v1.ProbeArgs | None:
    if not workload.serves:
        return None
    asked = _get(workload, "/healthz")
    return core.v1.ProbeArgs(
        http_get=asked, period_seconds=1, timeout_seconds=1, failure_threshold=60
    )


def _alive(workload: Workload) -> core.v1.ProbeArgs | None:
    """Slowly: a restart under load costs more than half a minute of patience. The bridge ends itself."""
    if not workload.serves:
        return None
    asked = _get(workload, "/healthz")
    return core.v1.ProbeArgs(
        http_get=asked, period_seconds=5, timeout_seconds=2, failure_threshold=6
    )


def _get(workload: Workload, path: str) -> core.v1.HTTPGetActionArgs:
    return core.v1.HTTPGetActionArgs(path=path, port="probe" if workload.router else "http")


def _environment(workload: Workload, parts: PodParts) -> list[core.v1.EnvVarArgs]:
    found = [
        core.v1.EnvVarArgs(
            name="POD_NAME",
            value_from=core.v1.EnvVarSourceArgs(
                field_ref=core.v1.ObjectFieldSelectorArgs(field_path="metadata.name")
            ),
        )
    ]
    wanted = {"orders": LEDGER_ENV, "profiles": LEDGER_ENV, "bridge": WAREHOUSE_ENV}
    if parts.database and workload.kind in wanted:
        found += [_secret(parts.database, name) for name in (wanted[workload.kind], "PGPASSWORD")]
    return found


def _secret(secret: str, key: str) -> core.v1.EnvVarArgs:
    return core.v1.EnvVarArgs(
        name=key,
        value_from=core.v1.EnvVarSourceArgs(
            secret_key_ref=core.v1.SecretKeySelectorArgs(name=secret, key=key, optional=True)
        ),
    )


def _mounts(parts: PodParts) -> list[core.v1.VolumeMountArgs]:
    mounts = [core.v1.VolumeMountArgs(name="state", mount_path=STATE)]
    if parts.config is not None:
        mounts.append(core.v1.VolumeMountArgs(name="config", mount_path=CONFIG, read_only=True))
    if parts.kubeconfigs:
        mounts.append(
            core.v1.VolumeMountArgs(name="kubeconfig", mount_path=KUBECONFIG, read_only=True)
        )
    return mounts


def _volumes(parts: PodParts) -> list[core.v1.VolumeArgs]:
    volumes = [
        core.v1.VolumeArgs(
            name="state", empty_dir=core.v1.EmptyDirVolumeSourceArgs(size_limit=STATE_SIZE)
        )
    ]
    if parts.config is not None:
        source = core.v1.ConfigMapVolumeSourceArgs(name=parts.config)
        volumes.append(core.v1.VolumeArgs(name="config", config_map=source))
    if parts.kubeconfigs:
        secret = core.v1.SecretVolumeSourceArgs(secret_name=parts.kubeconfigs, default_mode=0o440)
        volumes.append(core.v1.VolumeArgs(name="kubeconfig", secret=secret))
    return volumes
