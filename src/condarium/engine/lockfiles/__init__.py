"""Lock files: written, and read in every format that people bring."""
