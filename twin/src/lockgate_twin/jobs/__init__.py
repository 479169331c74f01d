"""SageMaker jobs and model servers as plain processes: the container contract without containers.

The contract mirrored here is in the Amazon SageMaker Developer Guide, "Use Your Own Training Algorithms", "Build Your
Own Processing Container" and "Use Your Own Inference Code with Hosting Services".
"""
