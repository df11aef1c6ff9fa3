"""Training cases: where their voxels are held, what else the network sees of them, where patches may be placed."""
