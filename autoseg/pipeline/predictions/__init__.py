"""What `predict` takes and what it leaves: several inputs, places of masks, maps, records, DICOM and BIDS."""
