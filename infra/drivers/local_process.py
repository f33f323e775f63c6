"""The dynamic provider's class: one real cluster on this machine through `python -m local.clusters`.

The state keeps this class by name, so it must stay importable, without state, and import inside its methods:
it is loaded into a process of the engine's that knows nothing else of the program. Create and update are the
same level-triggered `apply`; a kubeconfig or an address that changes is an output and replaces nothing.
"""

from typing import Any

from pulumi.dynamic import (
    CheckResult,
    CreateResult,
    DiffResult,
    ReadResult,
    ResourceProvider,
    UpdateResult,
)


class LocalClusterProvider(ResourceProvider):
    """Create, read, diff, update and delete the cluster that the property `spec` asks for."""

    serialize_as_secret_always = False

    def check(self, _olds: dict[str, Any], news: dict[str, Any]) -> CheckResult:
        """The inputs, and of a cluster that is there what an update leaves as it is: a preview then knows it."""
        from infra.drivers import local_state  # noqa: PLC0415 - see the module

        return CheckResult(local_state.with_known(_olds, news), [])

    def create(self, props: dict[str, Any]) -> CreateResult:
        """Bring the cluster up; its id is the identifier `local` gave it."""
        outs = self._apply(props)
        return CreateResult(outs["cluster_identifier"], outs)

    def update(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> UpdateResult:
        """Bring the cluster to the new specification."""
        return UpdateResult(self._apply(_news))

    def read(self, id_: str, props: dict[str, Any]) -> ReadResult:
        """The cluster as it is; without an id when it is gone."""
        from infra.drivers import local_state  # noqa: PLC0415 - see the module

        state = local_state.ask("read", props)
        if not state.identifier:
            return ReadResult("", {})
        return ReadResult(id_, local_state.outputs(props, state))

    def diff(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> DiffResult:
        """Another environment or site is another cluster; anything else, lost nodes included, is applied."""
        from infra.drivers import local_state  # noqa: PLC0415 - see the module

        replaces = local_state.replaced_by(_olds, _news)
        changes = bool(replaces) or local_state.must_apply(_olds, _news)
        return DiffResult(changes=changes, replaces=replaces, delete_before_replace=True)

    def delete(self, _id: str, _props: dict[str, Any]) -> None:
        """Remove the cluster and everything it left on the machine."""
        from infra.drivers import local_state  # noqa: PLC0415 - see the module

        local_state.ask("delete", _props)

    def _apply(self, props: dict[str, Any]) -> dict[str, Any]:
        from infra.drivers import local_state  # noqa: PLC0415 - see the module

        return local_state.outputs(props, local_state.ask("apply", props))
