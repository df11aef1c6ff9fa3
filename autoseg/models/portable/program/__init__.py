"""The program that is exported with a model: it needs numpy, scipy, nibabel and onnxruntime only."""
