"""Data sets that can be fetched by name."""
