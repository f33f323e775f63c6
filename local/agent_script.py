"""The shell script that turns one container's plan into a process: groups, namespaces, root, mounts, exit code. Pure.

Each container gets a root of its own: an overlay whose lower layer is the machine, so that every path means what it
means in a container image of it and nothing written is seen outside. `mountPath`s are real paths in it. /tmp and
/run are empty, what is named `hidden` is covered. The shell stays as the parent: it alone knows the exit code, and
writes it even when the agent is away.
"""

from collections.abc import Iterator
from shlex import quote

import msgspec

from local.agent_parts import SecurityContext
from local.agent_resolve import Command
from local.agent_volumes import MountPlan

SCRATCH_MIB = 256
"""What a container may write outside its volumes, in memory."""
OLD_ROOT = "/.isthmus-machine"
"""Where the machine's root is while the container's is made; gone before its process starts."""


class Tools(msgspec.Struct, frozen=True, kw_only=True):
    """Absolute paths: the script runs without the machine's PATH."""

    nsenter: str
    unshare: str
    mount: str
    umount: str
    pivot_root: str
    mkdir: str
    rmdir: str
    touch: str
    env: str
    setpriv: str


class StartPlan(msgspec.Struct, frozen=True, kw_only=True):
    """Everything the script needs. `record` holds `pid`, `exit` and `log`; `root` is an empty directory.

    `visible` paths below /tmp or /run, or on file systems of their own, are bound into the root as they are.
    """

    command: Command
    network_namespace: str
    join_files: tuple[str, ...]
    record: str
    root: str
    volumes: str
    mounts: tuple[MountPlan, ...] = ()
    visible: tuple[str, ...] = ()
    hidden: tuple[str, ...] = ()
    security: SecurityContext = SecurityContext()


def start_script(plan: StartPlan, tools: Tools) -> str:
    """The script, to be run as `sh FILE`; it ends with its container."""
    outside = [f"echo 0 > {quote(file)}" for file in plan.join_files]
    lines = [
        "set -e",
        'if [ "$1" != inside ]; then',
        *(f"  {line}" for line in outside),
        f"  exec {quote(tools.nsenter)} --net={quote(plan.network_namespace)} -- {quote(tools.unshare)} --mount"
        ' --propagation private -- /bin/sh "$0" inside',
        "fi",
        "umask 022",
        f"exec 3> {quote(plan.record + '/pid')} 4> {quote(plan.record + '/exit')} 5>> {quote(plan.record + '/log')}",
        *_root(plan, tools),
        *_inside(plan, tools),
        *_enter(plan, tools),
        *_run(plan, tools),
    ]
    return "\n".join([*lines, ""])


def _root(plan: StartPlan, tools: Tools) -> Iterator[str]:
    mount, mkdir, base = quote(tools.mount), quote(tools.mkdir), plan.root
    upper, work, root = f"{base}/upper", f"{base}/work", f"{base}/root"
    yield f"{mount} -t tmpfs -o mode=0755,size={SCRATCH_MIB}m tmpfs {quote(base)}"
    yield f"{mkdir} {quote(upper)} {quote(work)} {quote(root)}"
    options = f"lowerdir=/,upperdir={upper},workdir={work}"
    yield f"{mount} -t overlay -o {quote(options)} overlay {quote(root)}"
    for path in ("/proc", "/sys", "/dev"):
        yield f"{mount} --rbind {path} {quote(root + path)}"
    yield f"cd {quote(root)}"
    yield f"{mkdir} .{OLD_ROOT}"
    yield f"{quote(tools.pivot_root)} . .{OLD_ROOT}"
    yield "cd /"


def _inside(plan: StartPlan, tools: Tools) -> Iterator[str]:
    """From here on a path is the container's: a link in it cannot lead out (`/var/run` is one to /run)."""
    mount, mkdir = quote(tools.mount), quote(tools.mkdir)
    for path, mode in (("/tmp", "1777"), ("/run", "0755")):  # noqa: S108 -- a path inside the container
        yield f"{mkdir} -p {path}"
        yield f"{mount} -t tmpfs -o mode={mode},size={SCRATCH_MIB}m tmpfs {path}"
    for path in map(quote, plan.visible):
        yield f"{mkdir} -p {path}"
        yield f"{mount} --rbind {OLD_ROOT}{path} {path}"
    for path in map(quote, plan.hidden):
        yield f"if [ -d {path} ]; then"
        yield f"  {mount} -t tmpfs -o mode=0700,size=4k,ro tmpfs {path}"
        yield "fi"
    for one in plan.mounts:
        source, target = quote(f"{OLD_ROOT}{plan.volumes}/{one.source}"), quote(one.target)
        yield f"if [ -d {source} ]; then {mkdir} -p {target}; else"
        parent = quote(one.target.rpartition("/")[0] or "/")
        yield f"  {mkdir} -p {parent}; {quote(tools.touch)} {target}; fi"
        yield f"{mount} --bind {source} {target}"
        if one.read_only:
            yield f"{mount} -o remount,bind,ro {target}"


def _enter(plan: StartPlan, tools: Tools) -> Iterator[str]:
    directory = quote(plan.command.working_directory or "/")
    yield f"{quote(tools.umount)} -l {OLD_ROOT}"
    yield f"{quote(tools.rmdir)} {OLD_ROOT}"
    yield f"{quote(tools.mkdir)} -p {directory}"
    if plan.security.read_only_root_filesystem:
        for path in ("/", "/tmp", "/run"):  # noqa: S108 -- as above
            yield f"{quote(tools.mount)} -o remount,bind,ro {path}"
    yield f"cd {directory}"


def _run(plan: StartPlan, tools: Tools) -> Iterator[str]:
    pairs = [quote(f"{name}={value}") for name, value in plan.command.environ.items()]
    rights = map(quote, _rights(plan.security, tools))
    words = " ".join([*rights, quote(tools.env), "-i", *pairs, *map(quote, plan.command.argv)])
    yield "set +e"
    yield "exec 2> /dev/null"  # the shell's own remarks on how its child ended are not the container's
    # the inner shell becomes the container's process, so its own pid is the one to signal
    yield f"/bin/sh -c 'echo $$ >&3; exec \"$@\" >&5 2>&5 3>&- 4>&- 5>&-' sh {words} < /dev/null"
    yield "echo $? >&4"


def _rights(security: SecurityContext, tools: Tools) -> tuple[str, ...]:
    words = () if security.allow_privilege_escalation else ("--no-new-privs",)
    if "ALL" in security.capabilities.drop:
        # reading stays allowed: the checkout may be another user's, who made himself root for this
        kept = "-all,+dac_read_search"
        words = (*words, "--inh-caps=-all", f"--bounding-set={kept}")
    return (tools.setpriv, *words) if words else ()


def exec_argv(
    *, pid: int, tools: Tools, join_files: tuple[str, ...], environ: dict[str, str], command: tuple[str, ...]
) -> tuple[str, ...]:  # fmt: skip
    """A command inside a running container, in its groups and namespaces, with its environment."""
    joins = "; ".join(f"echo 0 > {quote(file)}" for file in join_files)
    pairs = tuple(f"{name}={value}" for name, value in environ.items())
    return (
        "/bin/sh", "-c", f'{joins}; exec "$@"', "sh",
        tools.nsenter, f"--target={pid}", "--mount", "--net", "--root", "--wd", "--",
        tools.env, "-i", *pairs, *command,
    )  # fmt: skip
