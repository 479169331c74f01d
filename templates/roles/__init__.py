"""What each of a project's five roles may do, one module a role."""
