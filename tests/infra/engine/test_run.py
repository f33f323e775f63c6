"""In which order the engine is asked, and what of a killed run is cleared before."""

from collections.abc import Callable
from typing import Any

import pytest
from pulumi import automation as auto

from infra.engine.run import Run, counted
from infra.engine.words import Heard


class Engine:
    """Answers as a stack of the Automation API, and writes down what it was asked."""

    name = "dev-public"

    def __init__(self, *, refuse: str = "") -> None:
        self.asked: list[tuple[str, dict[str, Any]]] = []
        self._refuse = refuse
        self.workspace = self
        self.summary = self
        self.resource_changes = {auto.OpType.CREATE: 2}
        self.change_summary = {auto.OpType.UPDATE: 1}

    def _of(self, verb: str) -> Callable[..., Any]:
        def answer(*_words: object, **told: object) -> Any:
            self.asked.append((verb, told))
            if verb == self._refuse:
                raise RuntimeError(verb)
            return self

        return answer

    def __getattr__(self, verb: str) -> Callable[..., Any]:
        return self._of(verb)

    @property
    def verbs(self) -> list[str]:
        return [verb for verb, _ in self.asked]


def run(engine: Engine, *, interrupted: bool = False) -> Run:
    heard = Heard("dev-public", lambda _text: None)
    return Run(engine, heard, packs=["/pack"], interrupted=interrupted)  # type: ignore[arg-type]


def test_nothing_is_changed_before_the_whole_was_judged() -> None:
    """By the pack, over the same configuration; what it refuses is not made."""
    engine = Engine()
    assert run(engine).up("/file") == {"create": 2}
    assert engine.verbs == ["preview", "up"]
    for _, told in engine.asked:
        assert (told["policy_packs"], told["config_file"]) == (["/pack"], "/file")
    engine = Engine(refuse="preview")
    with pytest.raises(RuntimeError):
        run(engine).up()
    assert engine.verbs == ["preview"]


def test_what_a_killed_run_began_is_cleared_first() -> None:
    """Then nothing is compared twice."""
    engine = Engine()
    run(engine, interrupted=True).up()
    assert engine.verbs == ["refresh", "preview", "up"]
    assert engine.asked[0][1]["clear_pending_creates"] is True
    assert engine.asked[2][1]["refresh"] is False
    engine = Engine()
    run(engine).up()
    assert engine.asked[1][1]["refresh"] is True


def test_a_preview_changes_nothing() -> None:
    """And counts what would."""
    engine = Engine()
    assert run(engine, interrupted=True).preview() == {"update": 1}
    assert engine.verbs == ["preview"]


def test_the_stack_goes_with_what_it_held() -> None:
    """But not a configuration that somebody wrote."""
    for preserve in (False, True):
        engine = Engine()
        run(engine, interrupted=True).down(preserve_config=preserve)
        assert engine.verbs == ["refresh", "destroy", "remove_stack"]
        assert engine.asked[2][1] == {"preserve_config": preserve}
    engine = Engine(refuse="destroy")
    with pytest.raises(RuntimeError):
        run(engine).down(preserve_config=False)
    assert "remove_stack" not in engine.verbs


def test_operations_are_counted_by_name() -> None:
    """Whether the SDK gives names or members."""
    assert counted({auto.OpType.SAME: 3}) == {"same": 3}
    assert counted({"same": 3}) == {"same": 3}  # type: ignore[dict-item]
    assert counted(None) == {}
