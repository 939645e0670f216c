"""Grouped convolutions in TensorFlow: what the layers of `groupconv_cli.layers` compute with."""
