"""What actions do, one module per provider."""
