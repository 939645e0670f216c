"""What a SPEC means: a file, standard input, a bundled network, a git revision or a Keras model."""
