"""A network as Keras code that a person might have written: functions for blocks, loops, names.

`tree` nests the flat network again, `align` compares the uses of a block, `function` writes the
function that they share, `module` writes the file, and `verify` compares it with the network.
"""

from __future__ import annotations

from groupconv_cli.codegen.module import Failed, module_text
from groupconv_cli.codegen.tree import Plan
from groupconv_cli.codegen.verify import reproduces
from groupconv_cli.errors import InternalError, UsageError
from groupconv_cli.network import Network, refuse_foreign

__all__ = ["network_code"]


def network_code(network: Network) -> str:
    """A Python file that builds the network with Keras alone, formatted for 88 columns.

    The layers, their names and their order are the same as in `groupconv_cli.build`. Blocks of the
    spec are functions, repeats are loops, and variables are constants. If the uses of a block are
    too different for one function, its layers are written out.

    Raises UsageError for a layer that cannot be written as code, for several outputs, and for
    layers of a Keras model that specs do not have; InternalError if the code would not make the
    network.
    """
    refuse_foreign(network)
    if len(network.outputs) != 1:
        raise UsageError(f"{network.name} has several outputs; Python code can have only one")
    plan = Plan()
    while True:
        try:
            code = module_text(network, plan)
        except Failed as failed:
            if plan.fall_back(failed.key):
                continue
            code = ""
        if reproduces(code, network):
            return code
        if plan.is_flat:
            raise InternalError(f"the code written for {network.name} makes other layers")
        plan = Plan()
        plan.is_flat = True
