"""What runs in the hub's Lambda functions: starting an examination, verifying what was registered, deciding.

These modules need boto3 and the standard library alone. `lockgate publish` packs the folder as the package `approval`,
so they import one another relatively.
"""
