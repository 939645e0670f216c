"""The check of specs, and the rules that a working network can break."""
