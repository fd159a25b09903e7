"""Sound from a trained network, one sample after the other."""
