"""Computes evidence from data: bias, statistics, constraints and drift, model quality and explanations.

Every module takes chunks of columns (mappings of name to numpy array) or arrays, and returns documents in the shapes
that SageMaker Clarify and Model Monitor write.
"""
