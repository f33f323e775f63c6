"""policy.yaml to Policy: the grammar of the design, and every way to get it wrong."""

import hashlib
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from policy.load import load_policy, parse_size
from policy.model import FieldRule, Sensitivity
from policy.problems import PolicyError
from tests.policy.samples import DEMO, DESIGN


def problems(text: bytes) -> list[str]:
    with pytest.raises(PolicyError) as caught:
        load_policy(text, "policy.yaml")
    return str(caught.value).splitlines()


def changed(old: bytes, new: bytes, text: bytes = DESIGN) -> bytes:
    assert old in text
    return text.replace(old, new, 1)


def test_the_policy_of_the_design_is_read_whole() -> None:
    """Sites, detectors, routes, secrets and both kinds of stream."""
    policy = load_policy(DESIGN, "policy.yaml")
    assert policy.digest == hashlib.sha256(DESIGN).hexdigest()
    assert policy.may_hold("private", Sensitivity.SENSITIVE)
    assert not policy.may_hold("public", Sensitivity.SENSITIVE)
    assert [route.id for route in policy.routes] == ["ads", "click", "orders"]
    ads, click, orders = policy.routes
    assert (ads.cookies, ads.match.methods, ads.match.paths) == (
        ("ab",),
        ("GET",),
        ("/ads", "/ads/**"),
    )
    assert (click.inspect_body_bytes_max, ads.inspect_body_bytes_max) == (65536, 0)
    assert (orders.idempotency, orders.sensitivity) == ("Idempotency-Key", Sensitivity.SENSITIVE)
    assert [rule.check for rule in policy.custom_detectors] == ["luhn"]
    assert policy.secrets["user"].previous == ("k1",)
    clicks, events = policy.streams
    assert (clicks.carry_all, clicks.target_topic) == (True, "public.clicks")
    assert events.key == FieldRule(field="", kind="hmac", arguments=("user",))
    assert events.fields[-1] == FieldRule(
        field="city", kind="keep", arguments=("enum", "hz", "sh", "bj")
    )


def test_the_policy_of_the_demo_is_read() -> None:
    """The file that the demo writes."""
    assert [route.service for route in load_policy(DEMO, "p").routes] == [
        "ads", "clicks", "orders", "profiles",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("old", "new", "line", "path", "what"),
    [
        (b"version: isthmus/v1", b"version: isthmus/v2", 1, "version", "is not known"),
        (b"holds: [public]}", b"holds: []}", 3, "sites.public.holds", "is empty"),
        (b"holds: [public]}", b"holds: [publc]}", 3, "sites.public.holds[0]", 'mean "public"?'),
        (b"[public, sensitive]", b"[public]", 2, "sites", "no site may hold the class sensitive"),
        (b"bank-card, email", b"bank-crd, email", 6, "detectors.enable[2]", 'mean "bank-card"?'),
        (b"bank-card, email", b"email, email", 6, "detectors.enable[3]", "stands twice, first on line 6"),
        (b"id: member-no", b"id: email", 7, "detectors.custom[0].id", "stands twice"),
        (b"'VIP[0-9]{10}'", b"'VIP[0-9'", 7, "detectors.custom[0].pattern", "RE2 refuses"),
        (b"'VIP[0-9]{10}'", b"'(?=VIP)'", 7, "detectors.custom[0].pattern", "RE2 refuses"),
        (b"'VIP[0-9]{10}'", b"'[0-9]*'", 7, "detectors.custom[0].pattern", "empty text"),
        (b"check: luhn", b"check: lun", 7, "detectors.custom[0].check", 'mean "luhn"?'),
        (b"id: click", b"id: ads", 10, "routes[1].id", "stands twice, first on line 9"),
        (b"class: sensitive", b"class: secret", 11, "routes[2].class", "not known"),
        (b"service: clicks", b"servce: clicks", 10, "routes[1].servce", 'mean "service"?'),
        (b'"/ads/**"', b'"ads/**"', 9, "routes[0].match.paths[1]", "bad glob"),
        (b'hosts: ["*"]', b'hosts: ["A.b"]', 9, "routes[0].match.hosts[0]", "bad glob"),
        (b"methods: [GET]", b"methods: [get]", 9, "routes[0].match.methods[0]", "does not fit"),
        (b"body: 64KiB", b"body: 64kb", 10, "routes[1].inspect.body", "does not fit"),
        (b"body: 64KiB", b"body: 17MiB", 10, "routes[1].inspect.body", "more than a router may hold"),
        (b"body: 64KiB", b"body: -1", 10, "routes[1].inspect.body", "out of range"),
        (b"cookies: [ab]", b"cookies: [a b]", 9, "routes[0].cookies[0]", "does not fit"),
        (b"cookies: [ab]", b"cookies: ab", 9, "routes[0].cookies", "is text"),
        (b"Idempotency-Key", b"Idempotency Key", 11, "routes[2].idempotency", "does not fit"),
        (b"env:ISTHMUS_USER_KEY", b"plain", 12, "secrets.user.ref", "does not fit"),
        (b"from: public", b"from: publik", 14, "streams[0].from", 'mean "public"?'),
        (b"to: private", b"to: public", 14, "streams[0].to", "is the site it comes from"),
        (b", carry: all", b"", 14, "streams[0]", "either carry or fields"),
        (b"    key: hmac(user)", b"    carry: all", 15, "streams[1]", "either carry or fields"),
        (b"from: public, to: private", b"from: private, to: public", 14, "streams[0].carry", "may not"),
        (b"carry: all}", b"carry: all, key: drop}", 14, "streams[0].key", "has no effect"),
        (b"key: hmac(user)", b"key: hmac(usr)", 18, "streams[1].key", 'mean "user"?'),
        (b"bucket(100)", b"bucket(0)", 19, "streams[1].fields.amount", "no usable width"),
        (b"bucket(100)", b"round(100)", 19, "streams[1].fields.amount", "does not fit"),
        (b'"keep:enum(hz,sh,bj)"', b'"keep:enum(hz,hz)"', 19, "streams[1].fields.city", "repeated"),
        (b"topic: order-events", b"topic: order events", 15, "streams[1].topic", "does not fit"),
    ],
)  # fmt: skip
def test_each_fault_names_line_path_and_fix(
    old: bytes, new: bytes, line: int, path: str, what: str
) -> None:
    """One change, and a problem that says where, what, expected and fix."""
    said = problems(changed(old, new))
    assert any(
        problem.startswith(f"policy.yaml:{line}: {path}: ") and what in problem for problem in said
    ), said
    assert all("; expected " in problem and "; fix: " in problem for problem in said)


def test_two_streams_may_not_write_one_topic() -> None:
    """The second is named, with the line of the first."""
    text = (
        DESIGN + b"  - {topic: other, as: public.clicks, from: public, to: private, carry: all}\n"
    )
    assert problems(text) == [
        'policy.yaml:20: streams[2]: writes topic "public.clicks" on private, as on line 14; '
        "expected one stream for each target topic; fix: remove one, or set as: NAME"
    ]


def test_a_built_in_name_is_taken_even_when_it_is_off() -> None:
    """An own detector may not pose as one that someone enables later."""
    text = changed(b"id: member-no", b"id: email", changed(b"bank-card, email", b"bank-card"))
    assert "built-in detector" in problems(text)[0]


def test_all_problems_are_told_in_one_run() -> None:
    """Faults of the grammar and of meaning together, in file order, each once."""
    text = DESIGN
    for old, new in ((b"[public, sensitive]", b"[publc]"), (b"id: click", b"id: ads"), (b"class: sensitive", b"class: x"),
                     (b"from: public", b"from: nowhere"), (b"bucket(100)", b"bucket()")):  # fmt: skip
        text = changed(old, new, text)
    said = problems(text)
    assert [problem.split(":")[1] for problem in said] == ["4", "10", "11", "14", "19"]


@pytest.mark.parametrize(
    "data", [b"", b"\x00\x01", b"[]", b"a", b"version: isthmus/v1\n", b"\xff\xfe"]
)
def test_what_is_no_policy_is_a_policy_error(data: bytes) -> None:
    """Empty, binary and unrelated files."""
    assert problems(data)


@pytest.mark.parametrize(
    ("text", "size"), [("0", 0), ("64KiB", 65536), ("1MiB", 1 << 20), ("12B", 12), ("100", 100)]
)
def test_sizes(text: str, size: int) -> None:
    """B, KiB, MiB, or a bare number of bytes."""
    assert parse_size(text) == size


def test_a_size_may_be_a_number() -> None:
    """`body: 1024` without a unit is bytes."""
    policy = load_policy(changed(b"body: 64KiB", b"body: 1024"), "p")
    assert policy.routes[1].inspect_body_bytes_max == 1024


def test_digests_follow_the_bytes() -> None:
    """A comment changes the digest: evidence names the file as it was."""
    assert load_policy(DESIGN, "p").digest != load_policy(DESIGN + b"#", "p").digest


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_any_damage_is_a_policy_or_a_policy_error(data: st.DataObject) -> None:
    """Cut, overwrite or double any stretch of the file: nothing else is raised."""
    start = data.draw(st.integers(0, len(DESIGN)))
    end = data.draw(st.integers(start, min(len(DESIGN), start + 40)))
    middle = data.draw(
        st.sampled_from([b"", b": ", b"[", b"}", b"\n", b"'", b"0", b"~", b"\xff"])
        | st.just(DESIGN[start:end] * 2)
    )
    try:
        load_policy(DESIGN[:start] + middle + DESIGN[end:], str(Path("x")))
    except PolicyError:
        return
