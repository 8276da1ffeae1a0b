"""Placing new models and planning training budgets."""
