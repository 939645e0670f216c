"""Specs as Python code: it makes what `build` makes, and looks as people leave it.

More of it: GCONV_EXAMPLES=1000 python -m pytest --nightly tests/codegen/test_module.py
"""

from __future__ import annotations

import ast
import inspect
import re
import subprocess
import sys
from pathlib import Path
from textwrap import dedent

import numpy as np
import pytest
from awkward_specs import AWKWARD, LAYER_BY_LAYER
from cases import CASES, Case, with_one_of_each
from documents import blocks
from hypothesis import HealthCheck, given, settings
from random_specs import specs
from running import ROOT, clean_environment, run_python
from specs import examples, network, nightly_but

from groupconv_cli import SpecError, build, load, python_code
from groupconv_cli.codegen import structured_code
from groupconv_cli.codegen.defaults import is_default
from groupconv_cli.codegen.module import flat
from groupconv_cli.codegen.verify import reproduces
from groupconv_cli.errors import Source, UsageError
from groupconv_cli.language.spec_file import SpecFile
from groupconv_cli.network import Network, Node
from groupconv_cli.ops import Op
from groupconv_cli.ops.shape import Input

EXAMPLES = examples(0)
CONFIGS = sorted((ROOT / "configs").glob("*.yaml"))


def catalogue(size: str = "") -> list[Network]:
    """A network of every bundled file, or with GCONV_EXAMPLES every variant of it.

    With `size` they have an input of that size, if theirs is of a fixed one.
    """
    networks = []
    for path in CONFIGS:
        text = path.read_text(encoding="utf-8")
        if size:
            text = re.sub(r"input: \[(224|299|800), \1, 3\]", f"input: [{size}, {size}, 3]", text)
        file = SpecFile(Source(path.name, text))
        variants = file.variants or (None,)
        networks += [file.network({}, variant) for variant in variants[: None if EXAMPLES else 1]]
    return networks


every_network = pytest.mark.parametrize("net", catalogue(), ids=lambda net: net.name)
try_many = settings(
    max_examples=EXAMPLES or 6, deadline=None, suppress_health_check=list(HealthCheck)
)


def built_by(code: str):
    """The model that running the code makes."""
    namespace: dict = {"__name__": "written"}
    exec(compile(code, "written.py", "exec"), namespace)
    return namespace["build"]()


def assert_same_model(spec, code: str, *, with_outputs: bool = True) -> None:
    """The code makes what `build` does: layers, names, arguments, shapes, outputs."""
    import keras

    keras.backend.clear_session(free_memory=False)  # its collection of garbage takes long
    expected, made = build(spec), built_by(code)
    assert [op.name for op in made.operations] == [op.name for op in expected.operations]
    assert made.name == expected.name
    assert made.count_params() == expected.count_params()
    for one, other in zip(made.layers, expected.layers, strict=True):
        assert type(one) is type(other)
        assert one.get_config() == other.get_config()
        assert one.output.shape == other.output.shape
    if not with_outputs:
        return
    rng = np.random.default_rng(0)
    made.set_weights([rng.normal(0.3, 0.2, w.shape) for w in made.get_weights()])
    expected.set_weights(made.get_weights())
    inputs = [rng.normal(size=(1, *x.shape[1:])).astype("float32") for x in expected.inputs]
    given = inputs[0] if len(inputs) == 1 else inputs
    outputs = [
        each if isinstance(each, list) else [each] for each in (made(given), expected(given))
    ]
    for one, other in zip(*outputs, strict=True):
        np.testing.assert_array_equal(one, other)


def ruff(command: list[str], code: str) -> str:
    """What ruff with its own defaults has to say."""
    done = subprocess.run(
        [sys.executable, "-m", "ruff", *command, "--isolated", "-"],
        input=code,
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stdout + done.stderr if done.returncode else ""


def assert_tidy(code: str) -> None:
    pytest.importorskip("ruff")
    assert ruff(["format", "--diff"], code) == ""
    assert ruff(["check"], code) == ""


@pytest.mark.parametrize(
    "net",
    [
        pytest.param(net, marks=() if net.name == "squeezenet" else pytest.mark.nightly)
        for net in catalogue("96")
    ],
    ids=lambda net: net.name,
)
def test_the_code_of_a_network_makes_the_same_model(net: Network) -> None:
    assert_same_model(net, python_code(net))


@every_network
def test_the_code_of_a_network_is_tidy_and_follows_its_spec(net: Network) -> None:
    code = python_code(net)
    assert_tidy(code)
    assert code == structured_code(net)


@pytest.mark.nightly
def test_the_code_of_every_variant_follows_its_spec() -> None:
    for path in CONFIGS:
        file = SpecFile(Source(path.name, path.read_text(encoding="utf-8")))
        for variant in file.variants or (None,):
            assert structured_code(file.network({}, variant)) is not None, (path.name, variant)


@try_many
@given(specs())
def test_the_code_of_random_specs_makes_the_same_model(spec) -> None:
    net = load(spec)
    code = python_code(net)
    assert code == structured_code(net)
    assert_same_model(spec, code)


@try_many
@given(specs())
def test_the_code_of_random_blocks_is_one_function_and_tidy(spec) -> None:
    """The layers of a random spec as a block that is used several times, where it can be."""
    block = {"unit": {"layers": spec["layers"]}}
    uses = [{"unit": None, "repeat": 3}, {"unit": None, "name": "last"}]
    try:
        net = load({"input": spec["input"], "blocks": block, "layers": uses})
    except SpecError:
        net = load(spec)
    code = python_code(net)
    assert code == structured_code(net)
    assert_tidy(code)
    assert_tidy(flat(net))


def of_one_op(case: Case) -> Network:
    """A network of the inputs of a case and its op."""
    entries = [
        Node(f"input_{number}", Input(), (), (), shape, Input().cost())
        for number, shape in enumerate(case.inputs)
    ]
    count = len(entries)
    shape, cost = case.op.output_shape(*case.inputs), case.op.cost(*case.inputs)
    node = Node("tested", case.op, tuple(range(count)), case.inputs, shape, cost)
    return Network("one", (*entries, node), tuple(range(count)), (count,))


OPS = [case for case in CASES if not isinstance(case.op, Input)]


@pytest.mark.parametrize("case", with_one_of_each(OPS))
def test_the_code_of_every_op_makes_its_layers(case: Case) -> None:
    net = of_one_op(case)
    assert_same_model(net, python_code(net), with_outputs=False)


def test_the_code_of_all_ops_is_tidy() -> None:
    pytest.importorskip("ruff")
    codes = [python_code(of_one_op(case)) for case in OPS]
    for command in (["format", "--diff"], ["check"]):
        # One run for all: each would take a process.
        functions = (code.split("\ndef build()")[1].split("\n\n\n")[0] for code in codes)
        bodies = [f"def build_{i}(){body}" for i, body in enumerate(functions)]
        head = "import keras\nfrom keras import layers, ops\n\n\ndef named(x, name):\n    return x"
        helpers = [
            f"def {name}(x, groups=1, *, name):\n    return ops.abs(x)"
            for name in ("channel_shuffle", "local_response", "pixel_shuffle", "softmax")
        ]
        assert ruff(command, "\n\n\n".join([head, *helpers, *bodies]) + "\n") == ""


def test_arguments_left_out_are_the_defaults_of_keras() -> None:
    import keras

    left_out = 0
    for case in OPS:
        for call in case.op.calls("tested", *case.inputs):
            home = keras.layers if call.of == "layers" else keras.ops
            if call.function == "getitem":
                continue
            parameters = inspect.signature(getattr(home, call.function)).parameters
            for argument, value in call.options.items():
                if not is_default(call.function, argument, value):
                    continue
                left_out += 1
                default = parameters[argument].default
                if argument == "data_format":
                    assert (value, keras.config.image_data_format()) == ("channels_last",) * 2
                elif value == 1 and type(value) is int:
                    assert default in (1, (1, 1), (1, 1, 1))
                else:
                    assert default == value, (call.function, argument)
    assert left_out > 100


@pytest.mark.parametrize("name", ["resnext50_32x4d", "mobilenet_v2", "shufflenet_v1"])
def test_golden(name: str, golden) -> None:
    golden(f"{name}.py", python_code(name))


def test_the_document_shows_the_code_of_its_spec(tmp_path) -> None:
    page = (ROOT / "docs" / "export-python.md").read_text(encoding="utf-8")
    spec, code = (page.split(f"```{kind}\n")[1].split("```")[0] for kind in ("yaml", "py"))
    (tmp_path / "net.yaml").write_text(spec)
    assert python_code(tmp_path / "net.yaml") == code


@pytest.mark.parametrize("name", AWKWARD)
def test_the_code_of_awkward_specs_follows_them_and_is_tidy(name: str) -> None:
    net = network(AWKWARD[name])
    code = structured_code(net)
    assert (code is None) == (name in LAYER_BY_LAYER)
    assert_tidy(python_code(net))
    assert_tidy(flat(net))
    assert reproduces(flat(net), net)


BUILT_ALWAYS = list(AWKWARD)[2::4]
"""Of all it is seen elsewhere what layers their code makes; Keras takes a while to make them."""


@pytest.mark.parametrize("name", nightly_but(BUILT_ALWAYS, AWKWARD))
def test_the_code_of_awkward_specs_makes_the_same_model(name: str) -> None:
    net = network(AWKWARD[name])
    assert_same_model(net, python_code(net))


def specs_in(path: Path) -> list[Network]:
    """The networks of the texts in a Python file that are specs without mistakes."""
    found = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Constant) and "layers:" in str(node.value):
            try:
                found.append(SpecFile(Source("spec", dedent(str(node.value)))).network())
            except (SpecError, UsageError):
                continue
    return found


@pytest.mark.nightly
def test_nearly_all_specs_of_the_tests_are_followed() -> None:
    networks = [net for path in sorted(ROOT.glob("tests/**/*.py")) for net in specs_in(path)]
    lost = [net for net in networks if structured_code(net) is None]
    assert len(networks) > 50
    assert len(lost) <= len(LAYER_BY_LAYER), [
        [node.name for node in net.layers[:6]] for net in lost
    ]


@pytest.mark.parametrize("text", blocks("yaml"))
def test_the_specs_of_the_documents_are_followed(text: str) -> None:
    try:
        net = SpecFile(Source("spec", text)).network()
    except (SpecError, UsageError):
        pytest.skip("no spec by itself")
    assert structured_code(net) is not None


@pytest.mark.parametrize("name", ["mobilenet_v2", "shufflenet_v1_g2"])
def test_code_layer_by_layer_makes_the_same_network_too(name: str) -> None:
    net = load(name)
    code = flat(net)
    assert code.count("def ") == 1
    assert_tidy(code)
    assert reproduces(code, net)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("strides=s", "strides=1"),
        ("t != 1", "t != 2"),
        ("use_bias=False, ", ""),
        ("[y, x]", "[x, y]"),
        ('"relu6"', '"relu"'),
        ("range(n - 1)", "range(n)"),
        ("1280", "1281"),
        (', name="dense"', ', name="top"'),
        ("keras.Model(inputs, x,", "keras.Model(inputs, inputs,"),
        ("keras.Input((224, 224, 3)", "keras.Input((224, 224, 1)"),
        ("return y\n", "return x\n"),
        ("layers.GlobalAveragePooling2D", "layers.GlobalMaxPooling2D"),
        ("import keras\n", "import keras\nopen('/etc/passwd')\n"),
    ],
)
def test_the_trial_finds_what_is_wrong(old: str, new: str) -> None:
    net = load("mobilenet_v2")
    code = python_code(net)
    assert reproduces(code, net)
    assert old in code
    assert not reproduces(code.replace(old, new), net)


@pytest.mark.nightly
def test_the_file_runs_where_there_is_only_keras(tmp_path) -> None:
    """One of another network is in `tests/cli/test_build.py`."""
    path = tmp_path / "net.py"
    path.write_text(python_code("squeezenet"), encoding="utf-8")
    probe = (
        "import runpy, sys; sys.modules['groupconv_cli'] = None\n"
        f"runpy.run_path({str(path)!r}, run_name='__main__')"
    )
    done = subprocess.run(
        [sys.executable, "-c", probe],
        env=clean_environment({"PYTHONPATH": ""}),
        capture_output=True,
        text=True,
        check=True,
    )
    assert "1,235,496" in done.stdout


def test_writing_code_imports_nothing_heavy() -> None:
    probe = (
        "import sys, groupconv_cli; groupconv_cli.python_code('resnet50')\n"
        "print(*[m for m in ('keras', 'tensorflow', 'numpy', 'rich') if m in sys.modules])"
    )
    done = run_python(probe)
    assert done.stdout.strip() == ""


def test_a_layer_without_code_is_named() -> None:
    class Strange(Op, layer=False):
        """Nothing that Keras has."""

    net = load("basic")
    strange = net.nodes[-1]._replace(op=Strange())
    with pytest.raises(UsageError, match=r"layer 'relu'.*cannot write code for that"):
        python_code(Network("odd", (*net.nodes[:-1], strange), net.inputs, net.outputs))
