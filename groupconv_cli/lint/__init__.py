"""The check of specs, and the rules that a network can break though it works."""
