"""Training budgets and what they predict."""
