"""The start script: safe quoting for any words, and nothing forgotten."""

import subprocess

from hypothesis import given, settings
from hypothesis import strategies as st

from local.agent_parts import Capabilities, SecurityContext
from local.agent_resolve import Command
from local.agent_script import OLD_ROOT, StartPlan, Tools, exec_argv, start_script
from local.agent_volumes import MountPlan

TOOLS = Tools(
    nsenter="/n", unshare="/u", mount="/m", umount="/um", pivot_root="/p", mkdir="/mk", rmdir="/rm", touch="/t",
    env="/usr/bin/env", setpriv="/sp",
)  # fmt: skip


def plan(**more) -> StartPlan:
    facts = {
        "command": Command(argv=("serve",), environ={"A": "1"}, working_directory="/w"),
        "network_namespace": "/run/netns/x", "join_files": ("/cg/cgroup.procs",),
        "record": "/r", "root": "/root", "volumes": "/v",
    }  # fmt: skip
    return StartPlan(**(facts | more))


def test_groups_come_before_namespaces_and_both_before_the_process() -> None:
    """A process is never outside its limits or its network."""
    text = start_script(plan(), TOOLS)
    places = [text.index(it) for it in ("cgroup.procs", "--net=", "overlay", "/p . ", "serve")]
    assert places == sorted(places)


def test_mounts_hidden_and_visible_paths_are_in_it() -> None:
    """Read-only ones are mounted anew read-only; what is hidden is covered last."""
    mount = MountPlan(source="conf", target="/etc/x", read_only=True)
    text = start_script(plan(mounts=(mount,), visible=("/tmp/co",), hidden=("/secret",)), TOOLS)
    assert f"/m --bind {OLD_ROOT}/v/conf /etc/x" in text
    assert "/m -o remount,bind,ro /etc/x" in text
    places = [
        text.index(it) for it in ("/p . ", "rbind /.isthmus-machine/tmp/co", "/secret", "/etc/x")
    ]
    assert places == sorted(places), (
        "paths are the container's own, and volumes are seen through what is hidden"
    )
    assert text.index("/etc/x") < text.index(f"/um -l {OLD_ROOT}") < text.index("serve")


def test_rights_are_taken_away_only_when_asked() -> None:
    """Read-only comes after everything that is made in the root."""
    assert "/sp" not in start_script(plan(), TOOLS)
    strict = SecurityContext(
        read_only_root_filesystem=True, allow_privilege_escalation=False,
        capabilities=Capabilities(drop=("ALL",)),
    )  # fmt: skip
    text = start_script(plan(security=strict), TOOLS)
    assert (
        "/sp --no-new-privs --inh-caps=-all --bounding-set=-all,+dac_read_search /usr/bin/env"
        in text
    )
    assert text.index("-p /w") < text.index("remount,bind,ro /\n") < text.index("cd /w")


WORDS = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=20)


@settings(max_examples=40, deadline=None)
@given(words=st.lists(WORDS, min_size=1, max_size=4), value=WORDS)
def test_any_word_arrives_as_it_is(words, value) -> None:
    """Quotes, newlines, dollars and globs mean nothing; run by the real shell."""
    command = Command(
        argv=("/usr/bin/printf", "%s\\0", *words), environ={"A": value}, working_directory="/"
    )
    script = start_script(plan(command=command), TOOLS)
    line = next(it for it in script.split("\n/bin/sh -c ")[1:])
    line = "/bin/sh -c " + line.rpartition("\necho $?")[0]
    run = subprocess.run(
        ["/bin/sh", "-c", f"exec 3>/dev/null 4>/dev/null 5>&1\n{line}"],
        capture_output=True,
        check=True,
    )
    assert run.stdout == b"".join(word.encode() + b"\0" for word in words)


def test_a_command_inside_joins_groups_and_namespaces() -> None:
    """With the container's own environment."""
    argv = exec_argv(
        pid=7, tools=TOOLS, join_files=("/cg/cgroup.procs",), environ={"A": "b c"}, command=("x",)
    )
    assert "echo 0 > /cg/cgroup.procs" in argv[2]
    assert argv[4:] == (
        "/n", "--target=7", "--mount", "--net", "--root", "--wd", "--", "/usr/bin/env", "-i",
        "A=b c", "x",
    )  # fmt: skip
