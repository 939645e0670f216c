"""Reading Keras models: recognizing, checking, loading, making networks of them, converting."""
