"""Whether `select` decides rightly: planted effects, and lesion shapes of patients."""
