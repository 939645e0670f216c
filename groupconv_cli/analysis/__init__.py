"""Numbers about a network: costs, the g=1 baseline, comparisons. Imports no framework."""
