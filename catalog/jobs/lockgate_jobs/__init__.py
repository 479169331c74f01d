"""The hub's processing jobs: asking a registered model again, and examining its evidence.

They run from the archive `lockgate-checks-<digest>.pyz`, which `lockgate publish` packs, in AWS's XGBoost container.
"""
