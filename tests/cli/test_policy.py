"""`isthmus policy` as a user meets it."""

import json
import random
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from cli.policy import _standard_input, policy_app
from policy.problems import PolicyError
from policy.schema import json_schema
from tests.policy.identifiers import mobile
from tests.policy.samples import DEMO, TOPOLOGY


@pytest.fixture
def policy(tmp_path: Path) -> Path:
    path = tmp_path / "policy.yaml"
    path.write_bytes(DEMO)
    return path


@pytest.fixture
def topology(tmp_path: Path) -> Path:
    path = tmp_path / "topology.yaml"
    path.write_bytes(TOPOLOGY)
    return path


def run(*words: object, data: str | bytes | None = None) -> Result:
    return CliRunner().invoke(policy_app, [str(word) for word in words], input=data)


def explained(*words: object, data: str | bytes | None = None) -> dict[str, object]:
    result = run("explain", *words, "--json", data=data)
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def test_good_files_check_out(policy: Path, topology: Path) -> None:
    """Exit 0 and a line, or JSON."""
    assert run("check", policy).exit_code == 0
    result = run("check", policy, "--topology", topology)
    assert (result.exit_code, result.stdout) == (0, f"{policy}, {topology}: ok\n")
    assert json.loads(run("check", policy, "--json").stdout) == {
        "schema": 1, "ok": True, "problems": [],
    }  # fmt: skip


def test_bad_files_exit_2_with_every_problem(policy: Path) -> None:
    """One line each, with file and line; the same in JSON."""
    policy.write_bytes(DEMO.replace(b"id: click", b"id: ads").replace(b"64KiB", b"64kb"))
    result = run("check", policy)
    assert result.exit_code == 2
    lines = result.stderr.splitlines()
    assert [
        line.startswith(f"{policy}:{number}: ")
        for line, number in zip(lines, (13, 17), strict=True)
    ]
    answer = json.loads(run("check", policy, "--json").stdout)
    assert (answer["ok"], [found["line"] for found in answer["problems"]]) == (False, [13, 17])


@pytest.mark.parametrize("content", [b"", b"\x00\x01\x02", b"\xff\xfe", b"[]", b"a: ["])
def test_hopeless_files_exit_2(policy: Path, content: bytes) -> None:
    """Empty, binary, another document."""
    policy.write_bytes(content)
    result = run("check", policy)
    assert result.exit_code == 2
    assert "expected" in result.stderr
    assert "Traceback" not in result.output


def test_a_missing_file_or_a_directory_exits_2(tmp_path: Path, policy: Path) -> None:
    """The path is named."""
    for path in (tmp_path / "none.yaml", tmp_path):
        result = run("check", path)
        assert (result.exit_code, str(path) in result.stderr) == (2, True)
    assert run("check", policy, "--topology", tmp_path / "none.yaml").exit_code == 2


def test_a_topology_outside_its_networks_exits_2(policy: Path, topology: Path) -> None:
    """The topology is checked against the policy and itself."""
    topology.write_bytes(TOPOLOGY.replace(b"127.0.1.11:8080", b"127.0.2.11:8080"))
    result = run("check", policy, "--topology", topology)
    assert (result.exit_code, "lies outside" in result.stderr) == (2, True)


def test_a_public_request_is_explained(policy: Path, topology: Path) -> None:
    """Class, route, service, reasons, and the sites in the topology's order."""
    answer = explained(policy, "http://shop.example/ads?slot=1", "--topology", topology)
    assert answer | {"policy": ""} == {
        "schema": 1, "policy": "", "traffic_class": "public", "sensitivity": "public", "route": "ads",
        "service": "ads", "reasons": ["route:ads"], "sites": ["public", "private"],
    }  # fmt: skip


def test_a_raised_request_is_explained_without_its_value(policy: Path) -> None:
    """Only sites that hold sensitive are left, and the number is not repeated."""
    value = mobile(random.Random(1))
    result = run("explain", policy, f"/ads/{value}")
    assert result.exit_code == 0
    assert value not in result.output
    assert "class    raised" in result.stdout
    assert "sites    private" in result.stdout
    assert "because  detector:cn-mobile:path" in result.stdout


def test_bodies_and_headers_are_judged(policy: Path, tmp_path: Path) -> None:
    """From a file or standard input, as sent."""
    body = tmp_path / "body.json"
    body.write_text(json.dumps({"note": mobile(random.Random(1))}))
    answer = explained(
        policy, "/clicks", "-X", "POST", "-H", "Content-Type: application/json", "--body", body
    )
    assert answer["reasons"] == ["detector:cn-mobile:body"]
    clean = explained(policy, "/clicks", "--method", "POST", "--body", "-", data="{}")
    assert clean["traffic_class"] == "public"
    answer = explained(policy, "/ads", "-H", "Authorization: Bearer x")
    assert answer["reasons"] == ["credentials:authorization:header"]


def test_a_request_without_a_route_goes_nowhere(policy: Path) -> None:
    """The reader is told that the router answers 404."""
    result = run("explain", policy, "/nothing")
    assert "404" in result.stdout
    assert "sites    nowhere" in result.stdout
    assert explained(policy, "/nothing")["sites"] == []


@pytest.mark.parametrize("header", ["no colon", ": x", ""])
def test_a_header_without_a_name_exits_2(policy: Path, header: str) -> None:
    """What was expected is said."""
    result = run("explain", policy, "/ads", "-H", header)
    assert (result.exit_code, '"Name: value"' in result.stderr) == (2, True)


def test_the_target_is_not_repaired_on_the_way(policy: Path) -> None:
    """Dot segments reach the judge as they were typed."""
    answer = explained(policy, "http://shop.example/ads/../orders/1")
    assert answer["reasons"] == ["not_normal:dot_segment:target"]


@pytest.mark.parametrize(
    "url",
    [
        "",
        " ",
        "ads",
        "shop.example/ads",
        "ftp://shop.example/ads",
        "http://",
        "http://shop.example?slot=1",
    ],
)
def test_what_is_no_url_exits_2(policy: Path, url: str) -> None:
    """Nothing is judged that no client could ask for; what was expected is said."""
    result = run("explain", policy, url)
    assert result.exit_code == 2
    assert "; expected http://HOST/PATH" in result.stderr
    assert "; fix: " in result.stderr


@pytest.mark.parametrize("method", ["", "G ET", "GET\n"])
def test_what_is_no_method_exits_2(policy: Path, method: str) -> None:
    """A client cannot send it, so nothing is judged."""
    result = run("explain", policy, "/ads", "-X", method)
    assert (result.exit_code, "--method: " in result.stderr) == (2, True)
    assert "; fix: " in result.stderr


def test_a_closed_standard_input_exits_2(policy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`--body - <&-` is told in a line."""
    monkeypatch.setattr("cli.policy.sys.stdin", None)
    with pytest.raises(PolicyError, match=r"standard input is closed; expected .*; fix: "):
        _standard_input()


@pytest.mark.parametrize("kind", ["policy", "topology"])
def test_schemas_are_printed(kind: str) -> None:
    """Byte for byte what is committed."""
    assert run("schema", kind).stdout_bytes == json_schema(kind)  # pyright: ignore[reportArgumentType]


def test_an_unknown_schema_exits_2() -> None:
    """The two kinds are named."""
    result = run("schema", "routes")
    assert (result.exit_code, "policy or topology; fix: " in result.stderr) == (2, True)


@pytest.mark.parametrize("command", ["check", "explain", "schema"])
def test_help_has_an_example(command: str) -> None:
    """Each command shows one use of itself."""
    result = run(command, "--help")
    assert result.exit_code == 0
    assert f"Example: isthmus policy {command}" in " ".join(result.stdout.split())
