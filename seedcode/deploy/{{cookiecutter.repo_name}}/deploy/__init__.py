"""Deploys one approved model version, stage by stage; runs in CodeBuild or on a laptop."""
