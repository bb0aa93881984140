"""`python -m datacat_server` is `datacat`."""

from datacat_server.cli.main import main

if __name__ == "__main__":
    main()
