"""What is checked before anything is changed, one file for each outside system."""
