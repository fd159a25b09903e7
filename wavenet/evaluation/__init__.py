"""How good a model is on sound that it has not seen."""
