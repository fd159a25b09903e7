"""Voices that are shared: bundles with model cards, and those that come with the package."""
