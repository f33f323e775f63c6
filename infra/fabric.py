"""The fabric: routers, bridge and services on the sites that are up, with exactly the lines the policy allows."""

import dataclasses
import hashlib
from pathlib import Path

import pulumi
import pulumi_kubernetes as k8s
from pulumi_kubernetes import core, meta, networking

from infra.commands import LEDGER_ENV, arguments, on_host, python_of
from infra.config import PROJECT, Settings
from infra.deployed import Deployed, DeployedArgs
from infra.documents import (
    WAREHOUSE_ENV,
    SiteFacts,
    TopologyReader,
    bridge_settings,
    checksum,
    router_settings,
    topology,
)
from infra.lines import lines
from infra.monitoring import Monitoring, MonitoringArgs
from infra.names import LABEL_CLASS, LABEL_PART_OF, NAMESPACE, PART_OF, Site
from infra.needs import check_needs
from infra.pods import PodParts, binding, labels
from infra.reach import Places, policy_spec
from infra.readers import EndpointReader, ReaderArgs
from infra.workloads import Workload, workloads
from policy.model import Policy
from policy.problems import PolicyError

DATABASE = "isthmus-database"


@dataclasses.dataclass(frozen=True, kw_only=True)
class SiteInput:
    """A site's cluster as its stack gives it; `provider` is explicit."""

    provider: k8s.Provider
    kubeconfig: pulumi.Output[str]
    pod_endpoint: pulumi.Output[str]
    networks: pulumi.Output[list[str]]


@dataclasses.dataclass(frozen=True, kw_only=True)
class FabricArgs:
    """`policy_text` is the file's content as it goes into the pods; `root` the checkout."""

    settings: Settings
    policy: Policy
    policy_text: str
    sites: dict[Site, SiteInput]
    root: Path


class Fabric(pulumi.ComponentResource):
    """Everything that runs on the clusters. Raises `ConfigError` before the first resource when it cannot be right."""

    def __init__(
        self, name: str, args: FabricArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        listed = workloads(args.settings, args.policy)
        check_needs(args.settings, listed, args.policy)
        super().__init__("isthmus:infra:Fabric", name, None, opts)
        self._args = args
        self._workloads = listed
        self._lines = lines(listed, args.policy)
        self._facts = pulumi.Output.all(*(it.networks for it in args.sites.values())).apply(
            self._site_facts
        )
        self._places = pulumi.Output.all(
            self._facts, *(it.pod_endpoint for it in args.sites.values())
        ).apply(lambda parts: self._whereabouts(parts[0], parts[1:]))
        self._database = self._databases()
        self.deployed = [self._deploy(it) for it in listed]
        for site, given in args.sites.items():
            Monitoring(
                f"{site}-monitoring",
                MonitoringArgs(
                    site=site, workloads=tuple(it for it in listed if it.site == site),
                    settings=args.settings,
                ),
                pulumi.ResourceOptions(parent=self, provider=given.provider),
            )  # fmt: skip
        self.register_outputs({"workloads": [f"{it.site}/{it.name}" for it in listed]})

    def _site_facts(self, networks: list[list[str]]) -> tuple[SiteFacts, ...]:
        settings = self._args.settings
        brokers = {"public": settings.kafka_public, "private": settings.kafka_private}
        return tuple(
            SiteFacts(site=site, networks=tuple(found), kafka=brokers[site])
            for site, found in zip(self._args.sites, networks, strict=True)
        )

    def _whereabouts(self, facts: tuple[SiteFacts, ...], endpoints: list[str]) -> Places:
        return Places(
            settings=self._args.settings,
            networks={it.site: list(it.networks) for it in facts},
            endpoints=dict(zip(self._args.sites, endpoints, strict=True)),
        )

    def _opts(self, site: Site, *after: pulumi.Resource) -> pulumi.ResourceOptions:
        return pulumi.ResourceOptions(
            parent=self, provider=self._args.sites[site].provider, depends_on=list(after)
        )

    def _databases(self) -> core.v1.Secret | None:
        """The private site's DSNs; the public one has no database and no secret."""
        settings = self._args.settings
        if "private" not in self._args.sites:
            return None
        given = {
            LEDGER_ENV: settings.ledger_dsn,
            WAREHOUSE_ENV: settings.warehouse_dsn,
            "PGPASSWORD": settings.database_password,
        }
        return core.v1.Secret(
            "private-database",
            metadata=meta.v1.ObjectMetaArgs(
                name=DATABASE, namespace=NAMESPACE,
                labels={LABEL_CLASS: "sensitive", LABEL_PART_OF: PART_OF},
            ),
            string_data=pulumi.Output.secret({key: it for key, it in given.items() if it}),
            opts=self._opts("private"),
        )  # fmt: skip

    def _deploy(self, workload: Workload) -> Deployed:
        settings, name = self._args.settings, f"{workload.site}-{workload.name}"
        after: list[pulumi.Resource] = []
        files = self._files(workload)
        config = None if files is None else self._config(name, workload, files)
        stamp: pulumi.Input[str] = ""
        kubeconfigs = ""
        if workload.router:
            secret, stamp = self._readers(name, workload)
            kubeconfigs = f"{workload.name}-kubeconfigs"
            after.append(secret)
        uses_database = workload.kind in {"orders", "profiles", "bridge"}
        if uses_database and self._database is not None:
            after.append(self._database)
            stamp = database_stamp(settings)
        host = on_host(settings)
        parts = PodParts(
            image=settings.image,
            python=python_of(settings, self._args.root),
            arguments=self._facts.apply(lambda facts: arguments(workload, facts)),
            working_directory=str(self._args.root) if host else "",
            config=config,
            kubeconfigs=kubeconfigs,
            database=DATABASE if uses_database else "",
            binding=binding(workload, settings, on_host=host),
            stamp=stamp,
            settings=settings,
        )
        return Deployed(
            name,
            DeployedArgs(
                workload=workload, pod=parts, settings=settings, network=self._network(workload)
            ),
            self._opts(workload.site, *after),
        )

    def _network(self, workload: Workload) -> pulumi.Output[networking.v1.NetworkPolicySpecArgs]:
        return self._places.apply(lambda places: policy_spec(workload, self._lines, places))

    def _files(self, workload: Workload) -> pulumi.Output[dict[str, str]] | None:
        """Policy, topology and settings of a router or the bridge; the others are told by their command line."""
        match workload.kind:
            case "router-edge":
                return self._files_of("edge", router_settings("edge"))
            case "router-core":
                return self._files_of("core", router_settings("core"))
            case "bridge":
                return self._files_of("bridge", bridge_settings(self._args.settings))
            case _:
                return None

    def _files_of(self, reader: TopologyReader, settings: str) -> pulumi.Output[dict[str, str]]:
        args = self._args

        def written(facts: tuple[SiteFacts, ...]) -> dict[str, str]:
            try:
                text = topology(
                    reader, facts, workloads=self._workloads, settings=args.settings,
                    policy=args.policy,
                )  # fmt: skip
            except PolicyError as error:
                raise pulumi.RunError(str(error)) from error
            return {
                "policy.yaml": args.policy_text,
                "topology.yaml": text,
                "settings.json": settings,
            }

        return self._facts.apply(written)

    def _config(
        self, name: str, workload: Workload, files: pulumi.Output[dict[str, str]]
    ) -> pulumi.Output[str]:
        """The ConfigMap's name; another content is another object, so the pods roll and the old ones keep theirs."""
        made = core.v1.ConfigMap(
            f"{name}-config",
            metadata=meta.v1.ObjectMetaArgs(
                name=files.apply(lambda held: f"{workload.name}-{checksum(held)}"),
                namespace=NAMESPACE,
                labels=labels(workload),
            ),
            immutable=True,
            data=files,
            opts=self._opts(workload.site),
        )
        return made.metadata.apply(lambda it: str(it.name))

    def _readers(self, name: str, router: Workload) -> tuple[core.v1.Secret, pulumi.Output[str]]:
        """One reader per site the router forwards to, each in that site's cluster, and all kubeconfigs in a Secret."""
        wanted: list[Site] = [
            site for site in self._args.sites if router.kind == "router-core" or site == router.site
        ]
        files: dict[str, pulumi.Output[str]] = {}
        for site in wanted:
            given = self._args.sites[site]
            reader = EndpointReader(
                f"{name}-reads-{site}",
                f"{router.name}-reader",
                ReaderArgs(
                    provider=given.provider, kubeconfig=given.kubeconfig,
                    endpoint=given.pod_endpoint, traffic_class="public",
                ),
                pulumi.ResourceOptions(parent=self),
            )  # fmt: skip
            files[site] = reader.kubeconfig
        secret = core.v1.Secret(
            f"{name}-kubeconfigs",
            metadata=meta.v1.ObjectMetaArgs(
                name=f"{router.name}-kubeconfigs", namespace=NAMESPACE, labels=labels(router)
            ),
            string_data=files,
            opts=self._opts(router.site),
        )
        # ten digits say nothing of a random token; a secret stamp would hide the whole Deployment from its reader
        return secret, pulumi.Output.unsecret(pulumi.Output.all(**files).apply(checksum))


def database_stamp(settings: Settings) -> str:
    """Ten hex digits that change with the database's credentials; stretched, since a person may choose a password."""
    text = f"{settings.ledger_dsn}\0{settings.warehouse_dsn}\0{settings.database_password}"
    return hashlib.scrypt(text.encode(), salt=PROJECT.encode(), n=1 << 14, r=8, p=1, dklen=5).hex()
