"""The five cities whose plans are the requirements, one file each."""
