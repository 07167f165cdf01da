"""Recorded experiments: a recipe, its runs, their records, and what they tell."""
