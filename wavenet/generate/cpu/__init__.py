"""The compiled sampler for CPUs: Numba, and nothing but NumPy arrays in and out."""
