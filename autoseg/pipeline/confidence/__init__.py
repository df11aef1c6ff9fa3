"""Trust in masks: what is measured of trained models on their cross-validation, and what it says of new scans."""
