"""The identity a router reads endpoints with: it may get, list and watch EndpointSlices of one namespace, no more."""

import base64
import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import pulumi
import pulumi_kubernetes as k8s
from pulumi_kubernetes import core, meta, rbac

from infra.kubeconfig import KubeconfigError, authority_of, reader_kubeconfig
from infra.names import LABEL_CLASS, NAMESPACE

TOKEN_S = 120
"""The controller fills a token's Secret within a second or two."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class ReaderArgs:
    """The site whose endpoints are read; `kubeconfig` is the stack's own, of which only the CA is taken."""

    provider: k8s.Provider
    kubeconfig: pulumi.Input[str]
    endpoint: pulumi.Input[str]
    traffic_class: str


class EndpointReader(pulumi.ComponentResource):
    """A service account with a token of its own; `kubeconfig` is secret."""

    kubeconfig: pulumi.Output[str]

    def __init__(
        self, name: str, account: str, args: ReaderArgs, opts: pulumi.ResourceOptions
    ) -> None:
        super().__init__("isthmus:infra:EndpointReader", name, None, opts)
        inner = pulumi.ResourceOptions(parent=self, provider=args.provider)
        token = _identity(name, account, args, opts=inner)
        self.kubeconfig = pulumi.Output.secret(
            pulumi.Output.all(token.data, args.kubeconfig, args.endpoint).apply(_kubeconfig)
        )
        self.register_outputs({"kubeconfig": self.kubeconfig})


def _identity(
    name: str, account: str, args: ReaderArgs, *, opts: pulumi.ResourceOptions
) -> core.v1.Secret:
    """The account, what it may do, and the Secret its token appears in."""
    labelled = {LABEL_CLASS: args.traffic_class}
    named = meta.v1.ObjectMetaArgs(name=account, namespace=NAMESPACE, labels=labelled)
    who = core.v1.ServiceAccount(
        name, metadata=named, automount_service_account_token=False, opts=opts
    )
    role = rbac.v1.Role(
        name,
        metadata=named,
        rules=[
            rbac.v1.PolicyRuleArgs(
                api_groups=["discovery.k8s.io"], resources=["endpointslices"],
                verbs=["get", "list", "watch"],
            )
        ],
        opts=opts,
    )  # fmt: skip
    rbac.v1.RoleBinding(
        name,
        metadata=named,
        role_ref=rbac.v1.RoleRefArgs(
            api_group="rbac.authorization.k8s.io", kind="Role", name=account
        ),
        subjects=[rbac.v1.SubjectArgs(kind="ServiceAccount", name=account, namespace=NAMESPACE)],
        opts=pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(depends_on=[who, role])),
    )
    return core.v1.Secret(
        f"{name}-token",
        metadata=meta.v1.ObjectMetaArgs(
            name=f"{account}-token", namespace=NAMESPACE, labels=labelled,
            annotations={"kubernetes.io/service-account.name": account},
        ),
        type="kubernetes.io/service-account-token",
        opts=pulumi.ResourceOptions.merge(
            opts,
            pulumi.ResourceOptions(
                depends_on=[who], additional_secret_outputs=["data"],
                custom_timeouts=pulumi.CustomTimeouts(create=f"{TOKEN_S}s"),
            ),
        ),
    )  # fmt: skip


def _kubeconfig(parts: Sequence[Any]) -> str:
    held: Mapping[str, str] = parts[0] or {}
    admin, endpoint = parts[1], parts[2]
    token = base64.b64decode(held.get("token", "")).decode()
    if not token:
        raise pulumi.RunError(
            "the token of a service account was not filled; expected the controller-manager to do so; "
            "fix: look at kube-controller-manager, then run again"
        )
    try:
        authority = authority_of(str(admin))
    except KubeconfigError as error:
        raise pulumi.RunError(
            f"kubeconfig of a cluster stack: {error}; expected one with its certificates inlined; "
            "fix: kubectl config view --flatten --minify --raw"
        ) from error
    return reader_kubeconfig(
        server=str(endpoint), authority=authority, namespace=NAMESPACE, token=token
    )
