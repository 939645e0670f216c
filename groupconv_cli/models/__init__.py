"""Keras models in: recognized, checked, loaded, read as networks, converted."""
