"""autoseg: a segmentation pipeline that configures itself, made for stroke lesions on T1w MRI."""
