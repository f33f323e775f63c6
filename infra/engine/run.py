"""One stack through the engine: judge, change, compare, take away. Raises `pulumi.automation.CommandError`."""

from collections.abc import Sequence

from pulumi import automation as auto

from infra.engine.words import Heard

Changes = dict[str, int]


class Run:
    """`heard` is told everything; `interrupted` says that a killed run left operations that are to be cleared."""

    def __init__(
        self, stack: auto.Stack, heard: Heard, *, packs: Sequence[str], interrupted: bool
    ) -> None:
        self._stack = stack
        self._heard = heard
        self._packs = list(packs)
        self._interrupted = interrupted

    def up(self, config_file: str | None = None) -> Changes:
        """Bring it to what the program says, once the whole of that has passed the policy pack.

        The engine judges rules over a whole stack only after making it: so it is asked twice.
        """
        if self._interrupted:
            self._clear()
        self._stack.preview(
            on_event=self._heard.tried, color="never", policy_packs=self._packs,
            config_file=config_file,
        )  # fmt: skip
        done = self._stack.up(
            on_event=self._heard, color="never", refresh=not self._interrupted,
            suppress_progress=True, policy_packs=self._packs, config_file=config_file,
        )  # fmt: skip
        return counted(done.summary.resource_changes)

    def preview(self, config_file: str | None = None) -> Changes:
        """What `up` would change; nothing is."""
        shown = self._stack.preview(
            on_event=self._heard, color="never", policy_packs=self._packs, config_file=config_file
        )
        return counted(shown.change_summary)

    def refresh(self) -> Changes:
        """Compare with what there is, and remember that."""
        done = self._stack.refresh(
            on_event=self._heard, color="never", clear_pending_creates=self._interrupted
        )
        return counted(done.summary.resource_changes)

    def down(self, *, preserve_config: bool) -> Changes:
        """Take everything away, and the stack with it; its file goes too unless it is somebody's."""
        if self._interrupted:
            self._clear()
        done = self._stack.destroy(on_event=self._heard, color="never")
        self._stack.workspace.remove_stack(self._stack.name, preserve_config=preserve_config)
        return counted(done.summary.resource_changes)

    def _clear(self) -> None:
        self._stack.refresh(on_event=self._heard.tried, color="never", clear_pending_creates=True)


def counted(changes: auto.OpMap | None) -> Changes:
    """Resources by operation; the engine's summary has names where its type says members."""
    return {str(getattr(name, "value", name)): count for name, count in (changes or {}).items()}
