"""The demo: three people take one model from a commit to production, on this machine."""
