"""The faults' command line, read: who receives, what a fault is, what is refused."""

import pytest

from local.site_rules import LinkFault
from local.site_words import UsageError, check_delay, parser, read_fault, read_nodes, receivers


def asked(*words: str):
    return parser(None).parse_args([*words, "--root", "/c", "--environment", "dev"])


@pytest.mark.parametrize(
    ("direction", "sites", "only_new"),
    [
        ("both", ("public", "private"), False), ("to-public", ("public",), False),
        ("to-private", ("private",), False), ("new-to-public", ("public",), True),
        ("new-to-private", ("private",), True),
    ],
)  # fmt: skip
def test_a_direction_names_who_receives(direction, sites: tuple[str, ...], *, only_new: bool) -> None:  # fmt: skip
    """Rules stand where packets arrive."""
    assert receivers(direction) == (sites, only_new)


@pytest.mark.parametrize(
    ("words", "fault"),
    [
        (("cut",), LinkFault(kind="cut")),
        (("cut-one-way", "--direction", "new-to-public", "--ttl", "5"), LinkFault(kind="cut-new", left_s=5)),
        (("cap", "--kib-per-s", "300"), LinkFault(kind="cap", size=300)),
        (("lose", "--per-mille", "1000", "--direction", "to-private"), LinkFault(kind="lose", size=1000)),
    ],
)  # fmt: skip
def test_a_fault_is_read(words: tuple[str, ...], fault: LinkFault) -> None:
    """With its size and its time."""
    assert read_fault(asked(*words)) == fault


@pytest.mark.parametrize(
    "words",
    [
        ("cut", "--ttl", "0"), ("cut", "--ttl", "86401"), ("cap", "--kib-per-s", "-1"),
        ("lose", "--per-mille", "1001"), ("cap", "--kib-per-s", "9", "--direction", "new-to-public"),
    ],
)  # fmt: skip
def test_a_fault_that_cannot_be_is_refused(words: tuple[str, ...]) -> None:
    """Before anything is touched."""
    with pytest.raises(UsageError, match=r"expected|only a cut"):
        read_fault(asked(*words))


@pytest.mark.parametrize(
    "words",
    [("--ms", "0"), ("--ms", "9", "--jitter-ms", "-1"), ("--ms", "9", "--direction", "new-to-public")],
)  # fmt: skip
def test_a_delay_that_cannot_be_is_refused(words: tuple[str, ...]) -> None:
    """Too short, negative, or of new connections only."""
    check_delay(asked("delay", "--ms", "9"))
    with pytest.raises(UsageError, match="expected"):
        check_delay(asked("delay", *words))


def test_nodes_are_named() -> None:
    """With commas between; none is refused."""
    assert read_nodes(asked("kill-nodes", "--nodes", "ads-1,ads-2,")) == ["ads-1", "ads-2"]
    with pytest.raises(UsageError):
        read_nodes(asked("freeze-nodes", "--nodes", ","))
    assert asked("freeze-api").site == "public"
    assert asked("kill-nodes", "--nodes", "a", "--lost").lost
