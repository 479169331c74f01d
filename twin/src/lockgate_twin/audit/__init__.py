"""Proof of least privilege: what each role used in a run, what it never used, and what it could not do without."""
