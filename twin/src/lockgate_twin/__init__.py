"""The twin: the AWS services that Lockgate stands on, really running on one machine."""

__version__ = "0.1.0"
