"""Writing models in the formats of other runtimes: a module per format behind one table."""
