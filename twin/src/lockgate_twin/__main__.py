"""`python -m lockgate_twin`."""

from lockgate_twin.cli import main

if __name__ == "__main__":
    raise SystemExit(main())
