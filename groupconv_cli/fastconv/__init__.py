"""Grouped convolutions in TensorFlow: the computations of `groupconv_cli.layers`."""
