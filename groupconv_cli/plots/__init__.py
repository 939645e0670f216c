"""Figures of reports, drawn with matplotlib. It is imported inside functions, and never pyplot."""
