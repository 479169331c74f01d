"""An organization's own checks: each module here is packed with the hub's jobs and asked if the policy names it.

docs/own-check.md shows one. They run in the examination of every registered version, in AWS's XGBoost container without
network: the standard library and numpy are what they may use.
"""
