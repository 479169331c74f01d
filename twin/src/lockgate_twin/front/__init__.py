"""The front: one HTTP port that speaks every AWS protocol the product uses."""
