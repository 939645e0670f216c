"""An attack on gconv that anyone can run again: `python -m tests.attack --help`.

A case is made of a seed and a number and of nothing else.
"""
