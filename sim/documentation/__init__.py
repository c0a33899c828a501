"""Pages about the model that are filled from the code."""
