"""An API server in memory, behind the controller's own port: versions, apply with managed fields, watches, faults.

What matters to a controller is done as Kubernetes does it: a write on another version is refused, a field somebody
else owns is a conflict unless forced, an omitted field of ours is taken away, a deleted object with finalizers stays.
"""

import json
import threading
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from autoscale.kube.ports import APPLY, MERGE_PATCH, Answer, Ask, RefusedError, Status

Tree = dict[str, Any]
Hook = Callable[[Ask], Answer | None]
BOOKMARK_S = 0.05
KEPT_EVENTS = 200


def status(
    code: int, reason: str, message: str, *, causes: list[Tree] | None = None, after_s: float = 0
) -> Answer:
    body = {"kind": "Status", "code": code, "reason": reason, "message": message}
    if causes:
        body["details"] = {"causes": causes}
    return Answer(status=code, body=json.dumps(body).encode(), retry_after_s=after_s)


class FaultError(Exception):
    """An answer that is no success, on its way out."""

    def __init__(self, answer: Answer) -> None:
        self.answer = answer


def conflict(message: str, *, causes: list[Tree] | None = None) -> FaultError:
    return FaultError(status(409, "Conflict", message, causes=causes))


class FakeApi:
    """Objects by path. `before` may answer in the API's place, `after` is called when a write was done."""

    def __init__(self, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self.now = now
        self.objects: dict[str, Tree] = {}
        self.version = 100
        self.events: list[tuple[int, str, str, Tree]] = []
        self.forgotten = 0
        self.before: Hook = lambda _ask: None
        self.after: Callable[[Ask], None] = lambda _ask: None
        self.writes: list[Ask] = []
        self.lists = 0
        self.served: set[str] = set()
        self.closed = threading.Event()
        self.changed = threading.Condition(threading.RLock())
        self.silent = False

    # -- the port ----------------------------------------------------------------------------------------------

    def ask(self, ask: Ask, *, timeout_s: float) -> Answer:
        answered = self.before(ask)
        if answered is not None:
            return answered
        with self.changed:
            try:
                found = self._do(ask)
            except FaultError as fault:
                return fault.answer
            finally:
                self.changed.notify_all()
        if ask.method != "GET":
            self.writes.append(ask)
            self.after(ask)
        return Answer(status=201 if ask.method == "POST" else 200, body=json.dumps(found).encode())

    def watch(self, path: str, query: Mapping[str, str], *, silence_s: float) -> Iterator[bytes]:
        at = int(query["resourceVersion"])
        if at < self.forgotten:
            raise RefusedError(
                410, Status(code=410, reason="Expired", message="too old resource version")
            )
        while not self.closed.is_set():
            with self.changed:
                news = [event for event in self.events if event[0] > at and event[2] == path]
                version = self.version
                if not news and not self.silent:
                    self.changed.wait(BOOKMARK_S)
            if self.silent:
                self.closed.wait(silence_s)
                return
            for number, kind, _, item in news:
                at = number
                yield json.dumps({"type": kind, "object": item}).encode()
            if not news:
                at = max(at, version)
                meta = {"metadata": {"resourceVersion": str(at)}}
                yield json.dumps({"type": "BOOKMARK", "object": meta}).encode()

    # -- what a test does --------------------------------------------------------------------------------------

    def put(self, path: str, item: Tree, *, manager: str = "kubectl-create") -> Tree:
        """Create as a person would: every field of it is that manager's, written once (not applied)."""
        with self.changed:
            self._create(path, json.loads(json.dumps(item)), manager)
            self.changed.notify_all()
            return self.objects[path]

    def edit(
        self,
        path: str,
        change: Callable[[Tree], None],
        *,
        manager: str = "kubectl-edit",
        sub: str = "",
    ) -> None:
        with self.changed:
            before = self.objects[path]
            after = json.loads(json.dumps(before))
            change(after)
            self._store(path, after, before=before, owner=(manager, "Update", sub))
            self.changed.notify_all()

    def compact(self) -> None:
        """Watches from before now are gone (410)."""
        with self.changed:
            self.forgotten = self.version + 1
            self.version += 1

    def get(self, path: str) -> Tree:
        return self.objects[path]

    # -- requests ----------------------------------------------------------------------------------------------

    def _do(self, ask: Ask) -> Tree:
        path, sub = _split(ask.path)
        match ask.method:
            case "GET":
                return self._read(ask)
            case "POST":
                item = json.loads(ask.body)
                target = f"{path}/{item['metadata']['name']}"
                if target in self.objects:
                    raise FaultError(status(409, "AlreadyExists", f"{target} exists"))
                self._create(target, item, "poster")
                return self.objects[target]
            case "PUT":
                return self._update(path, json.loads(ask.body))
            case "PATCH":
                return self._patch(path, sub, ask)
            case _:
                return self._delete(path, json.loads(ask.body or b"{}"))

    def _read(self, ask: Ask) -> Tree:
        if ask.path in self.objects:
            return self.objects[ask.path]
        parts = ask.path.strip("/").split("/")
        if ask.path.startswith("/apis/") and len(parts) == 2:
            versions = [
                {"version": one.split("/")[1]} for one in self.served if one.startswith(parts[1])
            ]
            if not versions:
                raise FaultError(status(404, "NotFound", ask.path))
            return {"versions": versions}
        if _is_one(ask.path):
            raise FaultError(status(404, "NotFound", f"{ask.path} not found"))
        self.lists += 1
        items = [item for path, item in self.objects.items() if _collection(path) == ask.path]
        return {"metadata": {"resourceVersion": str(self.version)}, "items": items}

    def _create(self, path: str, item: Tree, manager: str) -> None:
        meta = item.setdefault("metadata", {})
        meta.update(
            uid=f"uid-{self.version}",
            creationTimestamp=self.now().strftime("%Y-%m-%dT%H:%M:%SZ"),
            generation=1,
        )
        meta.setdefault("name", path.rsplit("/", 1)[1])
        if "/namespaces/" in path:
            meta["namespace"] = path.partition("/namespaces/")[2].partition("/")[0]
        self._store(path, item, before=None, owner=(manager, "Update", ""))

    def _update(self, path: str, item: Tree) -> Tree:
        before = self._known(path)
        self._check_version(before, item["metadata"])
        self._store(
            path,
            {**before, **item, "metadata": {**before["metadata"], **item["metadata"]}},
            before=before,
            owner=("putter", "Update", ""),
        )
        return self.objects[path]

    def _known(self, path: str) -> Tree:
        if path not in self.objects:
            raise FaultError(status(404, "NotFound", f"{path} not found"))
        return self.objects[path]

    def _check_version(self, before: Tree, meta: Tree) -> None:
        wanted = meta.get("resourceVersion")
        if wanted and wanted != before["metadata"]["resourceVersion"]:
            raise conflict(
                "the object has been modified; please apply your changes to the latest version"
            )

    def _patch(self, path: str, sub: str, ask: Ask) -> Tree:
        body = json.loads(ask.body)
        manager = ask.query.get("fieldManager", "unknown")
        meta = body.pop("metadata", {})
        kind = {key: body.pop(key) for key in ("apiVersion", "kind") if key in body}
        if ask.content == APPLY and path not in self.objects:
            if meta.get("resourceVersion"):
                raise conflict("resourceVersion must not be set on create")
            if kind.get("kind") in {"HorizontalPodAutoscaler", "Promotion"}:
                raise FaultError(status(422, "Invalid", "spec is not whole"))
            self._create(
                path, {**kind, **body, "metadata": {"labels": meta.get("labels", {})}}, "nobody"
            )
            self._own(path, (manager, "Apply", ""), _leaves(body))
            return self.objects[path]
        before = self._known(path)
        self._check_version(before, meta)
        if sub == "scale":
            body = {"spec": {"replicas": body["spec"]["replicas"]}}
        after = json.loads(json.dumps(before))
        if ask.content == APPLY:
            self._apply(
                path,
                before,
                after,
                body=body,
                owner=(manager, "Apply", sub),
                force=ask.query["force"] == "true",
            )
            return self.objects[path]
        assert ask.content == MERGE_PATCH
        _merge(after, body)
        if "managedFields" in meta:
            before = json.loads(json.dumps(before))
            before["metadata"]["managedFields"] = [one for one in meta["managedFields"] if one]
        if "finalizers" in meta:
            after["metadata"]["finalizers"] = meta["finalizers"]
        self._store(path, after, before=before, owner=(manager, "Update", sub))
        return self.objects.get(path, after)

    def _apply(
        self,
        path: str,
        before: Tree,
        after: Tree,
        *,
        body: Tree,
        owner: tuple[str, str, str],
        force: bool,
    ) -> None:
        books = _books(before)
        leaves = _leaves(body)
        foreign = {
            leaf: other
            for other, fields in books.items()
            if other != owner
            for leaf in fields
            if leaf in leaves and _at(before, leaf) != _at(body, leaf)
        }
        if foreign and not force:
            causes = [
                {
                    "reason": "FieldManagerConflict",
                    "message": f"conflict with {who[0]!r}",
                    "field": ".".join(leaf),
                }
                for leaf, who in foreign.items()
            ]
            raise conflict("Apply failed with conflicts", causes=causes)
        for leaf in books.get(owner, set()) - leaves:
            if not any(leaf in fields for other, fields in books.items() if other != owner):
                _remove(after, leaf)
        for leaf in leaves:
            _set(after, leaf, _at(body, leaf))
        _defaults(after)
        for other in books:
            if other != owner:
                books[other] -= set(foreign)
        books[owner] = leaves
        self._commit(path, after, before=before, books=books, touched=owner)

    def _delete(self, path: str, options: Tree) -> Tree:
        before = self._known(path)
        wanted = options.get("preconditions", {})
        if wanted.get("uid", before["metadata"]["uid"]) != before["metadata"]["uid"]:
            raise conflict("uid differs")
        self._check_version(before, wanted)
        after = json.loads(json.dumps(before))
        after["metadata"].setdefault("deletionTimestamp", self.now().strftime("%Y-%m-%dT%H:%M:%SZ"))
        self._commit(path, after, before=before, books=_books(before), touched=None)
        return after

    # -- storing -----------------------------------------------------------------------------------------------

    def _store(
        self, path: str, after: Tree, *, before: Tree | None, owner: tuple[str, str, str]
    ) -> None:
        _defaults(after)
        books = _books(before) if before is not None else {}
        was = _leaves(_content(before)) if before is not None else set()
        now = _leaves(_content(after))
        changed = {
            leaf for leaf in now if leaf not in was or _at(before or {}, leaf) != _at(after, leaf)
        }
        for other in books:
            books[other] = {
                leaf
                for leaf in books[other]
                if leaf in now and (leaf not in changed or other == owner)
            }
        books[owner] = books.get(owner, set()) | changed
        self._commit(path, after, before=before, books=books, touched=owner if changed else None)

    def _own(self, path: str, owner: tuple[str, str, str], leaves: set[tuple[str, ...]]) -> None:
        item = self.objects[path]
        self._commit(
            path, json.loads(json.dumps(item)), before=item, books={owner: leaves}, touched=owner
        )

    def _commit(
        self,
        path: str,
        after: Tree,
        *,
        before: Tree | None,
        books: dict[tuple[str, str, str], set[tuple[str, ...]]],
        touched: tuple[str, str, str] | None,
    ) -> None:
        times = (
            {}
            if before is None
            else {
                (one["manager"], one["operation"], one.get("subresource", "")): one["time"]
                for one in before["metadata"].get("managedFields", [])
            }
        )
        stamp = self.now().strftime("%Y-%m-%dT%H:%M:%SZ")
        after["metadata"]["managedFields"] = [
            {
                "manager": who[0],
                "operation": who[1],
                "subresource": who[2],
                "fieldsType": "FieldsV1",
                "time": stamp if who == touched else times.get(who, stamp),
                "fieldsV1": _fields(leaves),
            }
            for who, leaves in books.items()
            if leaves
        ]
        if path in self.objects and _same(self.objects[path], after):
            return
        self.version += 1
        after["metadata"]["resourceVersion"] = str(self.version)
        if before is not None and before.get("spec") != after.get("spec"):
            after["metadata"]["generation"] += 1
        gone = bool(after["metadata"].get("deletionTimestamp")) and not after["metadata"].get(
            "finalizers"
        )
        kind = "DELETED" if gone else "ADDED" if before is None else "MODIFIED"
        if gone:
            self.objects.pop(path, None)
        else:
            self.objects[path] = after
        for place in {_collection(path), _everywhere(path)}:
            self.events.append((self.version, kind, place, after))
        del self.events[:-KEPT_EVENTS]


def _split(path: str) -> tuple[str, str]:
    head, _, tail = path.rpartition("/")
    return (head, tail) if tail in {"status", "scale"} else (path, "")


def _is_one(path: str) -> bool:
    """Whether the path names one object: behind the group's root an even number of words, or a namespaced one."""
    words = path.strip("/").split("/")
    rest = words[3:] if words[0] == "apis" else words[2:]
    return len(rest) == 4 if rest[0] == "namespaces" and len(rest) > 2 else len(rest) == 2


def _everywhere(path: str) -> str:
    """The list over all namespaces that an object is in."""
    collection = path.rpartition("/")[0]
    head, found, tail = collection.partition("/namespaces/")
    return f"{head}/{tail.partition('/')[2]}" if found else collection


def _collection(path: str) -> str:
    return _everywhere(path)


def _content(item: Tree) -> Tree:
    return {
        key: value for key, value in item.items() if key not in {"metadata", "apiVersion", "kind"}
    }


def _leaves(tree: Tree, at: tuple[str, ...] = ()) -> set[tuple[str, ...]]:
    found: set[tuple[str, ...]] = set()
    for key, value in tree.items():
        if isinstance(value, dict) and value:
            found |= _leaves(value, (*at, key))
        else:
            found.add((*at, key))
    return found


def _at(tree: Tree, leaf: tuple[str, ...]) -> object:
    found: Any = tree
    for key in leaf:
        if not isinstance(found, dict) or key not in found:
            return None
        found = found[key]
    return found


def _set(tree: Tree, leaf: tuple[str, ...], value: object) -> None:
    for key in leaf[:-1]:
        tree = tree.setdefault(key, {})
    tree[leaf[-1]] = value


def _remove(tree: Tree, leaf: tuple[str, ...]) -> None:
    for key in leaf[:-1]:
        tree = tree.get(key, {})
    tree.pop(leaf[-1], None)


def _merge(tree: Tree, patch: Tree) -> None:
    for key, value in patch.items():
        if value is None:
            tree.pop(key, None)
        elif isinstance(value, dict):
            _merge(tree.setdefault(key, {}), value)
        else:
            tree[key] = value


def _defaults(item: Tree) -> None:
    if item.get("kind") == "HorizontalPodAutoscaler":
        item.setdefault("spec", {}).setdefault("minReplicas", 1)


def _books(item: Tree) -> dict[tuple[str, str, str], set[tuple[str, ...]]]:
    return {
        (one["manager"], one["operation"], one.get("subresource", "")): _unfields(one["fieldsV1"])
        for one in item["metadata"].get("managedFields", [])
    }


def _fields(leaves: set[tuple[str, ...]]) -> Tree:
    tree: Tree = {}
    for leaf in leaves:
        _set(tree, tuple(f"f:{key}" for key in leaf), {})
    return tree


def _unfields(tree: Tree, at: tuple[str, ...] = ()) -> set[tuple[str, ...]]:
    found: set[tuple[str, ...]] = set()
    for key, value in tree.items():
        name = key.removeprefix("f:")
        found |= _unfields(value, (*at, name)) if value else {(*at, name)}
    return found


def _same(before: Tree, after: Tree) -> bool:
    def bare(item: Tree) -> str:
        meta = {key: value for key, value in item["metadata"].items() if key != "managedFields"}
        books = sorted((who, sorted(fields)) for who, fields in _books(item).items())
        return json.dumps([{**item, "metadata": meta}, books], sort_keys=True)

    return bare(before) == bare(after)
