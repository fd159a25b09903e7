"""What a design sees and costs, and what a trained network uses of it."""
