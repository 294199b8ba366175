"""The steps from one version of the records' table to the next, run by `hotline.records_schema.upgrade`."""
