"""What is kept: rows, pictures, quarantine, and for how long."""
