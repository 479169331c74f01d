"""Builds, starts and watches this project's SageMaker pipeline; runs in CodeBuild or on a laptop."""

__version__ = "0.1.0"  # of the seed that this repository began with; goes into every version's lineage
