"""The AWS services the twin implements itself, one package each."""
