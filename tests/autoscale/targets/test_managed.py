"""Who owns a field."""

from datetime import UTC, datetime

from autoscale.kube.objects import ManagedFields
from autoscale.targets.managed import Owner, ownership, status_written

NOON = datetime(2026, 11, 11, 12, tzinfo=UTC)
FLOOR = {"f:spec": {"f:minReplicas": {}}}


def by(
    manager: str, operation: str = "Update", fields: dict[str, object] = FLOOR, **more: str
) -> ManagedFields:
    return ManagedFields(manager=manager, operation=operation, time=NOON, fields=fields, **more)


def test_ours_is_what_we_applied_and_nothing_else() -> None:
    """A field of our name that was not applied, another field, and a status do not count."""
    assert ownership([by("isthmus-autoscale", "Apply")], "spec", "minReplicas").ours
    assert not ownership([by("isthmus-autoscale")], "spec", "minReplicas").ours
    assert not ownership([by("isthmus-autoscale", "Apply")], "spec", "maxReplicas").ours
    assert not ownership(
        [by("isthmus-autoscale", "Apply", {"f:spec": {}})], "spec", "minReplicas"
    ).ours
    assert ownership([by("a", subresource="status")], "spec", "minReplicas").others == ()


def test_of_the_others_one_that_applies_again_and_again_is_named_first() -> None:
    """It will write over us; one that wrote once will not."""
    found = ownership([by("kubectl"), by("argocd", "Apply")], "spec", "minReplicas")
    assert found.other == Owner("argocd", declares=True)
    assert ownership([], "spec", "minReplicas").other == Owner("", declares=False)


def test_when_we_changed_it_last_stands_in_the_book() -> None:
    """Of the floor and of the status, each its own."""
    assert ownership([by("isthmus-autoscale", "Apply")], "spec", "minReplicas").changed_at == NOON
    assert ownership([by("kubectl")], "spec", "minReplicas").changed_at is None
    assert status_written([by("isthmus-autoscale", "Apply", subresource="status")]) == NOON
    assert status_written([by("isthmus-autoscale", "Apply")]) is None


def test_a_book_of_another_shape_is_nobodys() -> None:
    """A set (`v:`, `k:`) where a field was expected."""
    assert ownership([by("a", fields={"f:spec": "x"})], "spec", "minReplicas").others == ()
