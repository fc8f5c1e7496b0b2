"""`python -m infra.cli` is `floor`."""

from infra.cli.main import main

main()
