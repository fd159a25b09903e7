"""Training with Lightning: from a recipe to a run folder."""
