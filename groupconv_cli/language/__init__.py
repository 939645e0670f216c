"""The spec language: YAML with places → Spec → Network. No other code reads YAML."""
