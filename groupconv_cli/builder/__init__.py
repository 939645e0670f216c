"""Network → keras.Model, and whether it fits in memory."""
