"""Network → keras.Model, and the memory that it takes."""
