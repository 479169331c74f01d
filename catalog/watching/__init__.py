"""What runs in the hub's Lambda functions that watch production: starting a watch, publishing it, retraining.

These modules need boto3 and the standard library alone. `lockgate publish` packs the folder as the package `watching`,
so they import one another relatively.
"""
