"""The network: blocks, the whole stack, and the bundles that hold its weights."""
