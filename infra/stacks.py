"""From a stack's name to what it describes: `<env>-public`, `<env>-private` or `<env>-fabric`."""

import re
from pathlib import Path

import msgspec
import pulumi
from pulumi.runtime import config as engine_config

from infra import offers
from infra.cluster import ClusterArgs, PrivateCluster, PublicCluster
from infra.config import PROJECT, ConfigError, Settings, parse, refuse_plain
from infra.drivers.contract import Order, provider_for
from infra.fabric import Fabric, FabricArgs, SiteInput
from infra.names import Site
from infra.policy_file import read_policy
from infra.pools import pools

_NAME = re.compile(r"([a-z0-9][a-z0-9-]{0,30})-(public|private|fabric)")
ROOT = Path(__file__).parents[1]


def build(root: Path = ROOT) -> None:
    """Describe the selected stack to the engine. Raises `pulumi.RunError` with everything there is to say."""
    try:
        settings = _settings()
        environment, part = parts_of(pulumi.get_stack())
        match part:
            case "public":
                _export(
                    PublicCluster(
                        part, _cluster("public", environment, settings=settings, root=root)
                    )
                )
            case "private":
                _export(
                    PrivateCluster(
                        part, _cluster("private", environment, settings=settings, root=root)
                    )
                )
            case _:
                _fabric(environment, settings, root)
    except ConfigError as error:
        raise pulumi.RunError(str(error)) from error


def parts_of(stack: str) -> tuple[str, str]:
    """Environment and part of a stack's name. Raises `ConfigError`."""
    match = _NAME.fullmatch(stack)
    if match is None:
        raise ConfigError(
            f"stack {stack}: no such part; expected ENV-public, ENV-private or ENV-fabric, ENV in lower case; "
            "fix: pulumi stack init dev-public"
        )
    return match[1], match[2]


def _settings() -> Settings:
    """The project's own keys; a stack may hold others' too."""
    prefix = f"{PROJECT}:"
    held = {
        key: str(it) for key, it in engine_config.CONFIG.get().items() if key.startswith(prefix)
    }
    given = {key.removeprefix(prefix): it for key, it in held.items()}
    secret = {key.removeprefix(prefix) for key in held if engine_config.is_config_secret(key)}
    refuse_plain(given, secret)
    return parse(given)


def _cluster(site: Site, environment: str, *, settings: Settings, root: Path) -> ClusterArgs:
    policy, _ = read_policy(settings, root)
    return ClusterArgs(
        policy=policy,
        order=Order(
            environment=environment, site=site, settings=settings, pools=pools(site, settings),
            root=root,
        )
    )  # fmt: skip


def _export(cluster: PublicCluster | PrivateCluster) -> None:
    pulumi.export("kubeconfig", cluster.kubeconfig)
    pulumi.export("clusterIdentifier", cluster.cluster_identifier)
    pulumi.export("apiEndpoint", cluster.api_endpoint)
    pulumi.export("podEndpoint", cluster.pod_endpoint)
    pulumi.export("networks", cluster.networks)
    if cluster.stores:
        pulumi.export(offers.KAFKA, cluster.stores.kafka)
        pulumi.export(offers.LEDGER_DSN, cluster.stores.ledger_dsn)
        pulumi.export(offers.WAREHOUSE_DSN, cluster.stores.warehouse_dsn)
        pulumi.export(offers.PASSWORD, cluster.stores.password)


def _fabric(environment: str, settings: Settings, root: Path) -> None:
    policy, text = read_policy(settings, root)
    settings = offers.completed(
        settings, lambda site: _outputs_of(_reference(site, environment, settings))
    )
    sites: dict[Site, SiteInput] = {
        site: _site(site, environment, settings) for site in settings.sites
    }
    fabric = Fabric(
        "fabric",
        FabricArgs(settings=settings, policy=policy, policy_text=text, sites=sites, root=root),
    )
    pulumi.export("policyDigest", policy.digest)
    pulumi.export("workloads", [f"{it.args.site}/{it.args.name}" for it in fabric.deployed])


def _site(site: Site, environment: str, settings: Settings) -> SiteInput:
    stack = pulumi.StackReference(_reference(site, environment, settings))
    kubeconfig = stack.require_output("kubeconfig")
    return SiteInput(
        provider=provider_for(
            site, kubeconfig, cluster_identifier=stack.require_output("clusterIdentifier")
        ),
        kubeconfig=pulumi.Output.secret(kubeconfig),
        pod_endpoint=stack.require_output("podEndpoint"),
        networks=stack.require_output("networks"),
    )


def _reference(site: Site, environment: str, settings: Settings) -> str:
    return f"{settings.organization}/{PROJECT}/{environment}-{site}"


def _outputs_of(stack: str) -> offers.Outputs:
    """The outputs of another stack, now: which keys are there decides what is described."""
    answer = pulumi.runtime.invoke("pulumi:pulumi:readStackOutputs", {"name": stack}).value
    return msgspec.convert(answer["outputs"], dict[str, object])
