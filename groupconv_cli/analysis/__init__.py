"""Numbers about a network: costs, the g=1 baseline, sweeps. No framework is imported here."""
