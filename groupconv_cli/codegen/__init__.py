"""A network as Keras code that a person might have written: functions for blocks, loops, names.

`module` writes the file, `function` each function from the items of the spec, `composites` and
`layers` what an item is made of. `arguments` has the values as code, `names` the names of layers.
`verify` compares the code with the network.
"""

from __future__ import annotations

from groupconv_cli.codegen.file import Unwritable
from groupconv_cli.codegen.module import flat, structured
from groupconv_cli.codegen.verify import reproduces
from groupconv_cli.errors import InternalError, UsageError
from groupconv_cli.language.expand import Expansion
from groupconv_cli.language.writer import may_be_input, written_spec
from groupconv_cli.network import Network, refuse_foreign

__all__ = ["network_code", "structured_code"]


def network_code(network: Network) -> str:
    """A Python file that builds the network with Keras alone, formatted for 88 columns.

    The layers, their names and their order are the same as in `groupconv_cli.build`. Blocks of the
    spec are functions, repeats are loops, and variables are constants. A Keras model is written
    through a spec of it. A network whose spec cannot be followed is written layer by layer.

    Raises UsageError for a layer that cannot be written as code, and for layers of a Keras model
    that specs do not have; InternalError if the code would not make the network.
    """
    refuse_foreign(network)
    network = _with_blocks(network)
    structured_one = structured_code(network)
    if structured_one is not None:  # it has been compared with the network
        return structured_one
    code = flat(network)
    if not reproduces(code, network):
        raise InternalError(f"the code written for {network.name} makes other layers")
    return code


def _with_blocks(network: Network) -> Network:
    """The network itself, or that of a spec with blocks if it comes from a Keras model."""
    is_of_spec = any(node.place is not None for node in network.nodes)
    if is_of_spec or not all(may_be_input(shape) for shape in network.input_shapes):
        return network
    try:
        written = written_spec(network)
    except UsageError:  # it has a part of a layer by itself, which code can have
        return network
    return written.network if written.has_blocks else network


def structured_code(network: Network) -> str | None:
    """The code with functions and loops; None if the network cannot be written like that."""
    if not isinstance(network.origin, Expansion):
        return None
    for exact in (False, True):
        try:
            code = structured(network, network.origin, exact=exact)
        except Unwritable:
            return None
        if reproduces(code, network):
            return code
    return None
