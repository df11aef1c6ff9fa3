"""`weak-labels`: label maps of scans by a classifier of textures that a few patches have taught."""
