"""A search for the best group counts within budgets: a multiple-choice knapsack, solved exactly."""
