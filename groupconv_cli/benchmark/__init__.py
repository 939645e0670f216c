"""Timing on this machine: networks in turn, layer by layer, and what the machine is."""
