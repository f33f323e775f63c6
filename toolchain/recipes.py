"""Which engines a cluster on this machine needs, at which versions, and how each is built. Pure.

Sources are never copied here: a module under `modules/` pins them by `go.mod` and `go.sum`, and Go fetches
and checks them. What each flag is for stands beside it; all were built and run with Go 1.26.8.
"""

import re

import msgspec

GO_AT_LEAST = (1, 26, 4)
"""The highest `go` line in `modules/*/go.mod`; nothing may be fetched to satisfy a higher one."""

Version = tuple[int, ...]


class Program(msgspec.Struct, frozen=True, kw_only=True):
    """One engine: built from `package` of its module, or a name of the module's one binary (`alias_of`).

    `asks` is the argument list that makes it print its version; empty: it cannot be asked, and is then never taken
    from PATH. Versions from `at_least` up to but not including `below` are accepted there.
    """

    name: str
    package: str = ""
    alias_of: str = ""
    asks: tuple[str, ...] = ()
    at_least: Version = ()
    below: Version = ()

    def accepts(self, version: Version) -> bool:
        """Whether a program of this version may be used."""
        return self.at_least <= version < self.below

    @property
    def expected(self) -> str:
        """The accepted range, for people."""
        lowest, highest = (".".join(map(str, it)) for it in (self.at_least, self.below))
        return f">= {lowest}, < {highest}" if lowest else "the one built here"


class Copied(msgspec.Struct, frozen=True, kw_only=True):
    """A script taken as it is from a module's directory in Go's module cache."""

    name: str
    module: str
    path: str


class Recipe(msgspec.Struct, frozen=True, kw_only=True):
    """How one module under `modules/` becomes programs; `defines` are `-X` settings of the linker."""

    module: str
    version: str
    programs: tuple[Program, ...]
    defines: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    copies: tuple[Copied, ...] = ()


KUBERNETES = "v1.37.2"
PULUMI = "v3.259.0"
PULUMI_KUBERNETES = "v4.25.0"
"""Equal to the pinned Python package `pulumi-kubernetes`, which names the plugin it wants."""
PULUMI_KUBERNETES_MODULE = "github.com/pulumi/pulumi-kubernetes/provider/v4"


def _kubernetes_defines() -> tuple[str, ...]:
    # without them the server calls itself v0.0.0 and Pulumi's provider takes it for 1.14
    values = {
        "gitVersion": KUBERNETES, "gitMajor": "1", "gitMinor": "37", "gitTreeState": "clean",
    }  # fmt: skip
    packages = ("k8s.io/component-base/version", "k8s.io/client-go/pkg/version")
    return tuple(f"{package}.{name}={value}" for package in packages for name, value in values.items())  # fmt: skip


def _kubernetes(name: str, *, alias_of: str = "kube") -> Program:
    return Program(
        name=name, alias_of=alias_of, asks=("--version",), at_least=(1, 37), below=(1, 38)
    )


RECIPES = (
    Recipe(
        module="etcd",
        version="v3.7.3",
        programs=(
            # from 3.5.13 on the API server's list requests are served from its cache
            Program(
                name="etcd", package="go.etcd.io/etcd/server/v3", asks=("--version",),
                at_least=(3, 5, 13), below=(4,),
            ),
        ),
    ),
    Recipe(
        module="kube",
        version=KUBERNETES,
        programs=(
            Program(name="kube", package="."),
            _kubernetes("kube-apiserver"),
            _kubernetes("kube-controller-manager"),
            _kubernetes("kube-scheduler"),
            Program(
                name="kubectl", alias_of="kube", asks=("version", "--client"),
                at_least=(1, 36), below=(1, 39),
            ),
        ),
        defines=_kubernetes_defines(),
    ),
    Recipe(
        module="kwok",
        version="v0.8.0",
        programs=tuple(
            Program(
                name=name, package=f"sigs.k8s.io/kwok/cmd/{name}", asks=("--version",),
                at_least=(0, 8), below=(0, 9),
            )
            for name in ("kwok", "kwokctl")
        ),
        defines=("sigs.k8s.io/kwok/pkg/consts.Version=v0.8.0",),
    ),
    Recipe(
        module="metrics",
        version="v0.9.0",
        programs=(
            # 0.7 is the first that follows a node's own metrics path, which fake nodes need
            Program(
                name="metrics-server", package="sigs.k8s.io/metrics-server/cmd/metrics-server",
                asks=("--version",), at_least=(0, 7), below=(1,),
            ),
        ),
        defines=(
            "k8s.io/component-base/version.gitVersion=v0.9.0",
            "k8s.io/client-go/pkg/version.gitVersion=v0.9.0",
        ),
    ),
    Recipe(
        module="prometheus",
        version="v3.14.0",
        programs=(
            Program(
                name="prometheus", package="github.com/prometheus/prometheus/cmd/prometheus",
                asks=("--version",), at_least=(2, 42), below=(4,),
            ),
        ),
        # every discovery but Kubernetes' own: each other one is a cloud's whole client library
        tags=("remove_all_sd", "enable_kubernetes_sd"),
        defines=("github.com/prometheus/common/version.Version=3.14.0",),
    ),
    Recipe(
        module="pulumi",
        version=PULUMI,
        programs=(
            Program(
                name="pulumi", package="github.com/pulumi/pulumi/pkg/v3/cmd/pulumi",
                asks=("version",), at_least=(3, 259), below=(4,),
            ),
        ),
        defines=(f"github.com/pulumi/pulumi/sdk/v3/go/common/version.Version={PULUMI}",),
        copies=tuple(
            Copied(name=name, module="github.com/pulumi/pulumi/sdk/v3", path=f"python/{folder}/{name}")
            for folder, name in (
                ("cmd", "pulumi-language-python-exec"), ("dist", "pulumi-resource-pulumi-python"),
            )
        ),
    ),
    Recipe(
        module="provider",
        version=PULUMI_KUBERNETES,
        programs=(Program(name="pulumi-resource-kubernetes", package="."),),
        defines=(f"{PULUMI_KUBERNETES_MODULE}/pkg/version.Version={PULUMI_KUBERNETES}",),
    ),
)  # fmt: skip

_VERSION = re.compile(r"(?<![\d.])v?(\d+(?:\.\d+){1,2})(?![\d.])")


def version_in(text: str) -> Version:
    """The first version in what a program prints about itself; empty when there is none."""
    found = _VERSION.search(text)
    return tuple(int(part) for part in found.group(1).split(".")) if found else ()
