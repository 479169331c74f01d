"""Builds, starts and watches this project's SageMaker pipeline; runs in CodeBuild or on a laptop."""
