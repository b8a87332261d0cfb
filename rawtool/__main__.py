"""Run the command line as ``python -m rawtool``."""

from rawtool.cli.main import main

if __name__ == "__main__":
    main()
