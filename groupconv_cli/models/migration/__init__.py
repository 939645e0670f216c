"""Models of Keras 2 as Keras 3 would have written them: descriptions by rules, then the weights."""
