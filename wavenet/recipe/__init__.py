"""Recipes: records, how they are read and how they are found."""
