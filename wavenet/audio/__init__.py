"""Sound in and out: files, folders, the cache of decoded sound, training crops."""
