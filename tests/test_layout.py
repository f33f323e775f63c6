"""Tidy: what keeps the tree readable is checked like any other promise."""

import ast
import re
import subprocess
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FOLDERS = (
    "policy", "contracts", "runtime", "router", "sync", "autoscale", "chaos", "loadtest", "local", "marketing",
    "cli", "toolchain", "infra",
)  # fmt: skip
FILE_LINES_MAX = 300
HARD_FILE_LINES_MAX = 400
OVER_SOFT_LIMIT: frozenset[str] = frozenset()
"""Files allowed between the soft and the hard limit, each because one table or state machine fills it."""
NO_TWIN = {
    "contracts": "golden files and schemas in tests/contracts cover every struct at once",
}


def tracked(pattern: str) -> list[Path]:
    listed = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard", pattern],
        cwd=ROOT, check=True, capture_output=True, text=True,
    )  # fmt: skip
    return [ROOT / line for line in listed.stdout.splitlines() if (ROOT / line).is_file()]


def sources() -> list[Path]:
    return [
        path for path in tracked("*.py") if path.relative_to(ROOT).parts[0] in FOLDERS
    ]  # fmt: skip


def test_every_module_has_a_twin() -> None:
    """A module with code has tests/<folder>/test_<module>.py, or its folder says why not."""
    missing = [
        str(path.relative_to(ROOT))
        for path in sources()
        if path.name not in {"__init__.py", "__main__.py"}
        and path.parent.name not in NO_TWIN
        and not twin_of(path).exists()
    ]
    assert missing == []


def twin_of(path: Path) -> Path:
    relative = path.relative_to(ROOT)
    return ROOT / "tests" / relative.parent / f"test_{relative.name}"


def test_files_stay_readable_in_one_sitting() -> None:
    """No source file is over the limit; exceptions are listed with their reason and have a hard end."""
    sizes = {str(path.relative_to(ROOT)): len(path.read_text().splitlines()) for path in sources()}
    assert {name: n for name, n in sizes.items() if n > HARD_FILE_LINES_MAX} == {}
    over = {name for name, n in sizes.items() if n > FILE_LINES_MAX}
    assert over - OVER_SOFT_LIMIT == set()


def test_every_test_says_the_behaviour() -> None:
    """Each test function carries one sentence."""
    silent = [
        f"{path.relative_to(ROOT)}:{node.lineno} {node.name}"
        for path in tracked("tests/*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and node.name.startswith("test_")
        and not ast.get_docstring(node)
    ]
    assert silent == []


def test_every_module_says_what_it_answers() -> None:
    """Each source module opens with a docstring."""
    silent = [
        str(path.relative_to(ROOT))
        for path in sources()
        if not ast.get_docstring(ast.parse(path.read_text()))
    ]
    assert silent == []


REGISTRY_HOST = re.compile(
    r"pypi\.(org|python)|pythonhosted|registry\.npmjs|crates\.io|proxy\.golang|"  # tidy: the pattern itself
    r"repo1?\.maven|maven\.(org|apache)|index-url|deb\.debian",  # tidy: the pattern itself
)


def test_no_file_names_a_package_registry() -> None:
    """Where packages come from is the machine's setting, not ours."""
    named = [
        f"{path.relative_to(ROOT)}:{number}"
        for path in tracked("*")
        for number, line in enumerate(text_of(path).splitlines(), 1)
        if REGISTRY_HOST.search(line) and "tidy: the pattern itself" not in line
        and "--no-emit-index-url" not in line
    ]  # fmt: skip
    assert named == []


def text_of(path: Path) -> str:
    try:
        return path.read_text()
    except UnicodeDecodeError:
        return ""


def test_locks_pin_every_requirement_by_hash() -> None:
    """Every line of a lock that names a package is followed by at least one hash."""
    for lock in tracked("requirements*.lock"):
        blocks = re.split(r"\n(?=[a-z0-9])", lock.read_text())
        pinned = [block for block in blocks if re.match(r"[a-z0-9][\w.\-\[\]]*==", block)]
        assert pinned
        assert [block for block in pinned if "--hash=sha256:" not in block] == []


def readme_commands() -> list[str]:
    readme = (ROOT / "README.md").read_text()
    shown = re.findall(r"^\s*\$ (make [a-z0-9-]+)", readme, re.MULTILINE)
    return shown + [command.strip() for command in re.findall(r"`(isthmus [a-z][a-z ]*)", readme)]


def test_readme_names_only_make_targets_that_exist() -> None:
    """Each `make X` the README shows is a target."""
    targets = set(re.findall(r"^([a-z0-9-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    shown = {command.split()[1] for command in readme_commands() if command.startswith("make")}
    assert shown
    assert shown - targets == set()


@pytest.mark.parametrize(
    "command", sorted({c for c in readme_commands() if c.startswith("isthmus")})
)
def test_readme_commands_answer_to_help(command: str) -> None:
    """Each `isthmus …` the README shows exists: its --help exits 0."""
    words = command.split()[1:3]
    run = subprocess.run(
        [ROOT / ".venv/bin/python", "-m", "cli", *words, "--help"],
        cwd=ROOT, check=False, capture_output=True, text=True,
    )  # fmt: skip
    assert run.returncode == 0, run.stderr


def test_every_decision_record_has_its_four_parts() -> None:
    """A decision says context, decision, alternatives and non-goals."""
    for record in sorted((ROOT / "docs/decisions").glob("[0-9]*.md")):
        headings = re.findall(r"^## (.+)$", record.read_text(), re.MULTILINE)
        assert headings == ["Context", "Decision", "Alternatives", "Non-goals"], record.name


def test_the_wheel_ships_every_folder_but_tests_and_bench() -> None:
    """The build configuration lists exactly the source folders."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    assert set(project["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]) == set(FOLDERS)
