"""Finding and opening a SPEC: a file, stdin, a bundled network, a git revision, a Keras model."""
