"""`autoseg experiment`: recipes planned, trained and scored by the same engine, one by one or beside each other."""
