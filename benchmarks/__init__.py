"""One file a question, each printing a ratio measured in one run."""
