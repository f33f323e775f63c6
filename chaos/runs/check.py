"""What an experiment must be beyond its grammar: words of ours, within its blast radius, undone in the end. Pure."""

from collections.abc import Iterator

from chaos.runs.grammar import Activity, Experiment, Probe, Provider, Scalar
from chaos.runs.vocabulary import Entry, Kind, Vocabulary, argument_faults
from policy.document import Document
from policy.problems import did_you_mean

TTL_MARGIN_S = 10.0
"""What injections and proofs take beside the pauses the file asks for."""


def _providers(experiment: Experiment) -> Iterator[tuple[str, Kind, Provider]]:
    """Every provider with its path in the file and what it has to be."""
    for n, probe in enumerate(experiment.hypothesis.probes):
        yield f"steady-state-hypothesis.probes[{n}]", "probe", probe.provider
    for n, control in enumerate(experiment.controls):
        for m, probe in enumerate(control.provider.arguments.probes):
            yield f"controls[{n}].provider.arguments.probes[{m}]", "probe", probe.provider
    for name, steps in (("method", experiment.method), ("rollbacks", experiment.rollbacks)):
        for n, step in enumerate(steps):
            yield f"{name}[{n}]", step.type, step.provider
    for n, probe in enumerate(experiment.own.restored):
        yield f"extensions[0].restored[{n}]", "probe", probe.provider


def check(document: Document[Experiment], experiment: Experiment, vocabulary: Vocabulary) -> None:
    """Report to `document` what its grammar cannot say: unknown words, a radius left, nothing injected or healed."""
    for path, kind, provider in _providers(experiment):
        _check_provider(document, f"{path}.provider", provider, kind=kind, vocabulary=vocabulary)
    for path, probe in _all_probes(experiment):
        if not probe.tolerance:
            document.report(
                f"{path}.tolerance", "is false", expected="true: every probe of ours says yes or no",
                fix="turn the probe round, or use another",
            )  # fmt: skip
    hits = [vocabulary.get(_word(step.provider)) for step in experiment.method]
    if not any(entry and entry.is_fault for entry in hits):
        document.report(
            "method",
            "injects nothing",
            expected="at least one fault",
            fix="add an action that injects",
        )
    if not any(step.provider.func == "heal" for step in experiment.rollbacks):
        document.report(
            "rollbacks", "heals nothing", expected="the action heal",
            fix="add {type: python, module: chaos.runs.actions, func: heal}",
        )  # fmt: skip
    if len(experiment.extensions) > 1:
        document.report("extensions[1]", "is a second one", expected="one, ours", fix="remove it")
    _check_radius(document, experiment, vocabulary)
    _check_ttl(document, experiment)


def _all_probes(experiment: Experiment) -> Iterator[tuple[str, Probe | Activity]]:
    for n, probe in enumerate(experiment.hypothesis.probes):
        yield f"steady-state-hypothesis.probes[{n}]", probe
    for n, control in enumerate(experiment.controls):
        for m, probe in enumerate(control.provider.arguments.probes):
            yield f"controls[{n}].provider.arguments.probes[{m}]", probe
    for n, probe in enumerate(experiment.own.restored):
        yield f"extensions[0].restored[{n}]", probe
    for n, step in enumerate(experiment.method):
        yield f"method[{n}]", step


def _word(provider: Provider) -> str:
    return f"{provider.module}.{provider.func}"


def _check_provider(
    document: Document[Experiment],
    path: str,
    provider: Provider,
    *,
    kind: Kind,
    vocabulary: Vocabulary,
) -> None:
    entry = vocabulary.get(_word(provider))
    if entry is None or entry.kind != kind:
        known = [word for word, it in vocabulary.items() if it.kind == kind]
        why = (
            "is no word of ours"
            if entry is None
            else f"is {'an' if entry.kind == 'action' else 'a'} {entry.kind}"
        )
        document.report(
            f"{path}.func", f"{_word(provider)} {why}", expected=f"one of our {kind}s",
            fix=did_you_mean(_word(provider), known),
        )  # fmt: skip
        return
    for name, message, expected in argument_faults(entry, provider.arguments):
        place = f"{path}.arguments.{name}" if name in provider.arguments else path
        fix = did_you_mean(name, entry.arguments()) if name in provider.arguments else f"add {name}"
        document.report(place, message, expected=expected, fix=fix)


def _check_radius(
    document: Document[Experiment], experiment: Experiment, vocabulary: Vocabulary
) -> None:
    radius = experiment.own.blast_radius
    for n, step in enumerate(experiment.method):
        entry = vocabulary.get(_word(step.provider))
        if entry is None or not entry.is_fault:
            continue
        path = f"method[{n}].provider"
        site = _site(entry, step.provider.arguments)
        if site not in radius.sites:
            document.report(
                path, f"hits {site}", expected=f"a fault within {', '.join(radius.sites)}",
                fix="aim elsewhere, or widen extensions[0].blast_radius.sites",
            )  # fmt: skip
        share = entry.value("share", step.provider.arguments)
        if isinstance(share, int | float) and share > radius.share_max:
            document.report(
                f"{path}.arguments.share" if "share" in step.provider.arguments else path, f"hits a share of {share:g}", expected=f"at most {radius.share_max:g}",
                fix="lower it, or raise extensions[0].blast_radius.share_max",
            )  # fmt: skip


def _site(entry: Entry, arguments: dict[str, Scalar]) -> str:
    return str(entry.value("site", arguments)) if entry.site == "argument" else entry.site


def _check_ttl(document: Document[Experiment], experiment: Experiment) -> None:
    paused_s = sum(step.pauses.before + step.pauses.after for step in experiment.method)
    least_s = paused_s + TTL_MARGIN_S
    if experiment.own.ttl_s < least_s:
        document.report(
            "extensions[0].ttl_s", f"is {experiment.own.ttl_s:g}",
            expected=f"at least {least_s:g}: the method's pauses and {TTL_MARGIN_S:g} s",
            fix="raise it, or the watchdog heals while the method runs",
        )  # fmt: skip
