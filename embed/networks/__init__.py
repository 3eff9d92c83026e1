"""Forward passes, written for inference: named arrays in, layers out. They know no files and no options."""
