"""What one project gets: the CDK application that synthesizes the product's CloudFormation template."""
