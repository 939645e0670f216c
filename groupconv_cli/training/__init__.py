"""Training networks on the user's data: the recipe, the data, a run, and what comes of many."""
