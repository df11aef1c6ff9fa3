"""Radiomics: numbers that describe shape, intensities and texture of a region, and how well masks agree on them."""

from autoseg.radiomics.agreement import FeatureAgreement, KeptShare, count_kept, rate_features
from autoseg.radiomics.classifying import predict_out_of_fold
from autoseg.radiomics.extracting import RadiomicsOptions, measure_features, refuse_missing_package
from autoseg.radiomics.families import FAMILIES, Family, family_of

__all__ = [
    "FAMILIES",
    "Family",
    "FeatureAgreement",
    "KeptShare",
    "RadiomicsOptions",
    "count_kept",
    "family_of",
    "measure_features",
    "predict_out_of_fold",
    "rate_features",
    "refuse_missing_package",
]
