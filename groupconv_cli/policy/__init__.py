"""The vocabulary of budgets and rules: amounts, limits, severities."""
