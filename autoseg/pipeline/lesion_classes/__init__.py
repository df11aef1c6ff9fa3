"""Classes of lesions in a workspace: learnt on its cross-validation, judged, and found again when predicting."""
