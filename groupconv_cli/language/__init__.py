"""The spec language: YAML with places → Spec → Network. The only place that knows YAML."""
