"""Timing on this machine: networks in turn, layer by layer, and a description of the machine."""
