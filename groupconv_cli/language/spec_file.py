"""A file of the spec language: text → Spec → Network."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

from groupconv_cli.analysis.growth_proof import Growth
from groupconv_cli.errors import InternalError, Problems, Source, SpecError, UsageError
from groupconv_cli.language.expand import declared_shape, expand
from groupconv_cli.language.group_entries import apply_groups
from groupconv_cli.language.growing import Work
from groupconv_cli.language.growth import growth
from groupconv_cli.language.nodes import Entry, ScalarNode
from groupconv_cli.language.open_sizes import STAND_INS, OpenShape, opened
from groupconv_cli.language.plain import as_texts
from groupconv_cli.language.policy_entries import limits
from groupconv_cli.language.scope import Scope
from groupconv_cli.language.spec import Spec
from groupconv_cli.language.validate import check
from groupconv_cli.language.values import NESTING, examine
from groupconv_cli.language.variant_names import variant_name
from groupconv_cli.language.yaml_reader import read
from groupconv_cli.network import Network
from groupconv_cli.ops.kinds import Value
from groupconv_cli.policy.limits import BudgetLimit
from groupconv_cli.policy.rules import Severities
from groupconv_cli.words import did_you_mean, joined

__all__ = ["SpecFile"]


class SpecFile:
    """A spec that has been read. It makes a network for each set of variables."""

    def __init__(self, source: Source, variant: str | None = None) -> None:
        """Reads and checks the source. `variant` is the variant that its name implies.

        Raises SpecError if nothing can be read. Other mistakes are raised by `network`, which may
        find more.
        """
        self.source = source
        self.implied_variant = variant
        self._problems = Problems()
        self._spec = check(read(source, self._problems), source, self._problems)

    @property
    def name(self) -> str:
        """The name of the spec; for a family, the name that its variants share."""
        return self._spec.name

    @property
    def variants(self) -> tuple[str, ...]:
        """Names of the variants, in the order of the file."""
        return tuple(self._spec.variants)

    def network(
        self,
        settings: Mapping[str, object] | None = None,
        variant: str | None = None,
        work: Work | None = None,
        progress: Callable[[str], None] | None = None,
        *,
        keep_open: bool = False,
    ) -> Network:
        """The network that the spec describes.

        `settings` are values of variables, which override those of the `variant`. Networks that
        are made with the same `work` share the bounds of one network. With `keep_open` a network
        may have `open_inputs`, for building a model; else open sizes are a mistake.

        Raises SpecError with every mistake of the spec, UsageError for a variable or variant that
        it does not have, or a layer for which sizes cannot stay open.
        """
        implied = self.implied_variant
        if None not in (variant, implied) and variant != implied:
            raise UsageError(f"the name already picks the variant {implied!r}, not {variant!r}")
        chosen = implied if variant is None else variant
        texts = as_texts(settings)
        shapes = self._open_shapes(texts, chosen) if keep_open else ()
        if not any(None in shape for shape in shapes):
            return self._network(texts, chosen, work)
        first, second = (
            self._network(texts, chosen, in_place_of_open=sizes) for sizes in STAND_INS
        )
        return opened(first, second, shapes)

    def networks(
        self, settings: Mapping[str, object] | None = None
    ) -> dict[str, Network | SpecError]:
        """The network of every variant, or its mistakes, by the variant's name.

        Raises SpecError if every variant has mistakes, UsageError for a variable that the spec does
        not have, or a spec without variants.
        """
        if not self.variants:
            raise UsageError(f"{self.source.name} has no variants")
        made: dict[str, Network | SpecError] = {}
        work = Work()
        for variant in self.variants:
            try:
                made[variant] = self._network(as_texts(settings), variant, work)
            except SpecError as error:
                made[variant] = error
        errors = [each for each in made.values() if isinstance(each, SpecError)]
        if len(errors) == len(made):
            # A mistake in every variant is a mistake of the spec, and is reported once.
            raise SpecError(*dict.fromkeys(each for error in errors for each in error.diagnostics))
        return made

    @property
    def rules(self) -> Severities:
        """Levels by code, for the rules that the spec names."""
        return self._spec.rules

    def limits(
        self, settings: Mapping[str, object] | None = None, variant: str | None = None
    ) -> dict[str, BudgetLimit]:
        """The spec's budget, for the same arguments as `network`, which finds its mistakes.

        Raises SpecError if a limit is not an amount with these values.
        """
        changes = self._changes(as_texts(settings), variant or self.implied_variant, Problems())
        return limits(self._spec.budget, Scope(self._spec.vars | changes))

    def variables(
        self, settings: Mapping[str, object] | None = None, variant: str | None = None
    ) -> dict[str, Value]:
        """The values of the spec's variables, for the same arguments as `network`.

        Raises SpecError for a variable without a value, UsageError for one that does not exist.
        """
        problems = Problems()
        changes = self._changes(as_texts(settings), variant or self.implied_variant, problems)
        if problems:
            raise problems.error()
        scope = Scope(self._spec.vars | changes)
        return {name: scope.value(entry.value) for name, entry in scope.entries.items()}

    def growth(
        self,
        name: str,
        settings: Mapping[str, object] | None = None,
        variant: str | None = None,
    ) -> Growth:
        """What the text says about how the network grows with a variable; see `growth.py`."""
        changes = self._changes(as_texts(settings), variant or self.implied_variant, Problems())
        return growth(self._spec, changes, name)

    def _network(
        self,
        settings: Mapping[str, str],
        variant: str | None,
        work: Work | None = None,
        in_place_of_open: Mapping[int, int] = MappingProxyType({}),
    ) -> Network:
        problems = self._problems.copy()
        spec, changes = self._changed(settings, variant, problems)
        network = expand(spec, changes, problems, work, in_place_of_open=in_place_of_open)
        if problems:
            raise problems.error()
        if network is None:
            raise InternalError("the spec makes no network, and nothing says why")
        return apply_groups(network, spec.groups, Scope(spec.vars | changes))

    def _open_shapes(
        self, settings: Mapping[str, str], variant: str | None
    ) -> tuple[OpenShape, ...]:
        """The shapes of the inputs, None for open sizes; none of them if there are mistakes."""
        problems = Problems()
        spec, changes = self._changed(settings, variant, problems)
        scope = Scope(spec.vars | changes)
        shapes = [
            declared_shape(problems, scope, name, entry.value)
            for name, entry in spec.inputs.items()
        ]
        return tuple(shape for shape in shapes if shape is not None) if not problems else ()

    def _changed(
        self, settings: Mapping[str, str], variant: str | None, problems: Problems
    ) -> tuple[Spec, dict[str, Entry]]:
        """The spec with a variant's name and the given inputs, and the changed variables."""
        spec = self._spec
        if variant is not None:
            spec = spec._replace(name=variant_name(spec.name, variant))
        changes = self._changes(settings, variant, problems)
        inputs = {name: changes.pop(name) for name in self._own_inputs if name in changes}
        return spec._replace(inputs=spec.inputs | inputs), changes

    @property
    def _own_inputs(self) -> tuple[str, ...]:
        """The inputs whose sizes `--set` gives: a variable of the same name comes first."""
        return tuple(name for name in self._spec.inputs if name not in self._spec.vars)

    def _changes(
        self, settings: Mapping[str, str], variant: str | None, problems: Problems
    ) -> dict[str, Entry]:
        spec = self._spec
        changes: dict[str, Entry] = {}
        if variant is not None:
            if variant not in spec.variants:
                raise UsageError(_unknown("variant", variant, list(spec.variants), spec))
            changes.update(spec.variants[variant])
        for name, text in settings.items():
            known = [*spec.vars, *self._own_inputs]
            if name not in known:
                raise UsageError(_unknown("variable", name, known, spec, *self._own_inputs))
            if not text.strip():
                raise UsageError(f"--set {name} needs a value: --set {name}=VALUE")
            tree = read(Source(f"--set {name}", text), problems)
            if name not in spec.vars and isinstance(tree, ScalarNode):
                tree = read(Source(f"--set {name}", f"[{tree.text}]"), problems)
            examine(tree, spec.vars, f"the variable {name!r}", problems, NESTING)
            changes[name] = Entry(name, tree.place, tree)
        return changes


def _unknown(what: str, name: str, known: list[str], spec: Spec, *inputs: str) -> str:
    """The message for a name that is not among the known ones, of which some name inputs."""
    others = (
        joined([each for each in known if each not in inputs]) if len(known) > len(inputs) else ""
    )
    listed = f"it has {others}" if others else f"it has no {what}s"
    if inputs:
        sets = joined([f"{each}=…" for each in inputs], "or")
        listed += f"; --set {sets} sets {'its input' if len(inputs) == 1 else 'an input'}"
    return f"{spec.source.name} has no {what} {name!r}; {did_you_mean(name, known) or listed}"
