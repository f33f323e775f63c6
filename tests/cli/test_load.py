"""`isthmus load`: the command line around a driven run and its verdict."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import msgspec
import pytest
import yaml
from typer.testing import CliRunner

from cli.load import ENVIRONMENT, NO_GO, USAGE, load_app
from loadtest.gate.judge import judge
from tests.loadtest.drive.plans import plan_of
from tests.loadtest.gate.runs import GOOD, SLO

RUNNER = CliRunner()


class Door(BaseHTTPRequestHandler):
    """Answers every request at once."""

    protocol_version = "HTTP/1.1"

    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"ok")

    def log_message(self, *_):
        pass


@pytest.fixture
def address():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Door)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def written(directory, plan):
    path = directory / "plan.yaml"
    path.write_text(yaml.safe_dump(plan, sort_keys=False))
    return str(path)


def test_a_plan_is_run_and_its_files_are_kept(tmp_path, address):
    """The answer is the contract's, the directory holds run, cells and canaries."""
    out = tmp_path / "run"
    plan = written(tmp_path, plan_of(address, profile=[
        {"name": "s", "kind": "constant", "for_s": 0.5, "rate": 60},
    ]))  # fmt: skip
    done = RUNNER.invoke(load_app, ["run", "-f", plan, "--out", str(out), "--json"])
    assert done.exit_code == 0, done.output
    answer = json.loads(done.stdout)
    assert answer["summaries"][0]["sent"] == answer["summaries"][0]["planned"] > 0
    assert json.loads((out / "run.json").read_text()) == answer
    assert {"cells-0.ndjson", "canaries.ndjson", "plan.json"} <= {p.name for p in out.iterdir()}


def test_a_plan_that_cannot_be_run_is_refused_before_anything_is_sent(tmp_path):
    """Exit 2 with file, line, expectation and fix; no directory is made."""
    plan = written(tmp_path, plan_of("nowhere"))
    done = RUNNER.invoke(load_app, ["run", "-f", plan, "--out", str(tmp_path / "run")])
    assert done.exit_code == USAGE
    assert "plan.yaml:4: targets.web:" in done.stderr
    assert "expected HOST:PORT; fix:" in done.stderr
    assert not (tmp_path / "run").exists()


def test_a_plan_that_is_not_there_is_refused(tmp_path):
    """Exit 2, naming the file."""
    done = RUNNER.invoke(load_app, ["run", "-f", str(tmp_path / "none.yaml")])
    assert done.exit_code == USAGE
    assert "none.yaml" in done.stderr


def test_a_directory_that_cannot_be_written_is_the_environments(tmp_path):
    """Exit 3."""
    (tmp_path / "file").write_text("")
    plan = written(tmp_path, plan_of())
    done = RUNNER.invoke(load_app, ["run", "-f", plan, "--out", str(tmp_path / "file")])
    assert done.exit_code == ENVIRONMENT


def test_a_run_is_judged_and_its_reports_are_written(tmp_path, address):
    """Run and gate by the same files: exit 0 for GO, 1 for a broken limit, and five reports."""
    out = tmp_path / "run"
    plan = written(tmp_path, plan_of(address, profile=[
        {"name": "s", "kind": "constant", "for_s": 1, "rate": 60},
    ]))  # fmt: skip
    assert RUNNER.invoke(load_app, ["run", "-f", plan, "--out", str(out)]).exit_code == 0
    slo = tmp_path / "slo.yaml"
    lax = "version: isthmus/v1\nclasses: {public: {availability: 0.5}}\ngenerator: {steal_share_max: 1, late_share_max: 1, cpu_share_max: 1}\nfailed_idempotent_max: 100\n"
    slo.write_text(lax + "capacity: {ads: {replicas: 1}}\n")
    judged = RUNNER.invoke(load_app, ["gate", "--slo", str(slo), str(out), "--json"])
    assert judged.exit_code == 0, judged.output
    assert json.loads(judged.stdout)["verdict"] == "GO"
    names = {path.name for path in out.iterdir()}
    assert {"gate.json", "gate.html", "gate.xml", "gate.md", "capacity.json"} <= names
    slo.write_text(lax.replace("0.5}", "0.5, p50_ms: 0.001}"))
    judged = RUNNER.invoke(load_app, ["gate", "--slo", str(slo), str(out)])
    assert judged.exit_code == NO_GO
    assert "p50 (public): measured" in judged.stdout
    slo.write_text(lax + "require: [bridge]\n")
    assert RUNNER.invoke(load_app, ["gate", "--slo", str(slo), str(out)]).exit_code == ENVIRONMENT
    compared = RUNNER.invoke(load_app, ["compare", str(out), str(out)])
    assert compared.exit_code == 0
    assert "not worse" in compared.stdout


@pytest.fixture
def judged(tmp_path):
    """A directory that holds a verdict."""
    document = msgspec.json.encode(judge(GOOD, SLO, {}))
    (tmp_path / "gate.json").write_bytes(document)
    return tmp_path


@pytest.mark.parametrize(
    ("kind", "start"),
    [("html", "<!doctype html>"), ("markdown", "# GO: sale"), ("junit", "<?xml"), ("json", "{")],
)
def test_a_verdict_is_printed_in_every_format(judged, kind, start):
    """From gate.json alone."""
    shown = RUNNER.invoke(load_app, ["report", "--format", kind, str(judged)])
    assert shown.exit_code == 0
    assert shown.stdout.startswith(start)


@pytest.mark.parametrize(
    "command", [["gate", "--slo", "SLO", "DIR"], ["compare", "DIR", "DIR"], ["report", "DIR"]]
)
def test_a_directory_without_a_run_is_refused(tmp_path, command):
    """Exit 2, naming it."""
    (tmp_path / "slo.yaml").write_text("version: isthmus/v1\nclasses: {public: {}}\n")
    words = {"SLO": str(tmp_path / "slo.yaml"), "DIR": str(tmp_path)}
    done = RUNNER.invoke(load_app, [words.get(word, word) for word in command])
    assert done.exit_code == USAGE
    assert str(tmp_path) in done.stderr
    assert "expected" in done.stderr


def test_an_objective_that_cannot_be_used_is_refused(tmp_path):
    """Exit 2 with file, line, expectation and fix, before the run is read."""
    slo = tmp_path / "slo.yaml"
    slo.write_text("version: isthmus/v1\nclasses:\n  public: {p99: 5}\n")
    done = RUNNER.invoke(load_app, ["gate", "--slo", str(slo), str(tmp_path)])
    assert done.exit_code == USAGE
    assert 'slo.yaml:3: classes.public.p99: unknown key "p99"' in done.stderr
    missing = RUNNER.invoke(load_app, ["gate", "--slo", str(tmp_path / "none"), str(tmp_path)])
    assert missing.exit_code == USAGE
    assert "none" in missing.stderr


def test_a_target_nobody_listens_at_is_invalid_and_not_slow(tmp_path):
    """Refused connections are fast: no latency is made of them, and the run proves nothing."""
    out = tmp_path / "run"
    plan = written(tmp_path, plan_of("127.0.0.1:1", profile=[
        {"name": "s", "kind": "constant", "for_s": 1, "rate": 60},
    ]))  # fmt: skip
    assert RUNNER.invoke(load_app, ["run", "-f", plan, "--out", str(out)]).exit_code == 0
    slo = tmp_path / "slo.yaml"
    slo.write_text("version: isthmus/v1\nclasses: {public: {p99_ms: 100}}\n")
    judged = RUNNER.invoke(load_app, ["gate", "--slo", str(slo), str(out), "--json"])
    assert judged.exit_code == ENVIRONMENT
    report = json.loads(judged.stdout)
    assert report["verdict"] == "INVALID"
    assert "target_unreachable" in {it["id"] for it in report["reasons"]}
    assert report["by_class"]["public"]["p99_ms"] == 0
