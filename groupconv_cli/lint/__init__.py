"""Rules that a network can break though it works: a file per family. See `docs/rules.md`."""
