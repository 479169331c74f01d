"""The library's own checks, one module per family."""
