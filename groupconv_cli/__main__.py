"""`python -m groupconv_cli` is `gconv`."""

from groupconv_cli.cli.app import main

if __name__ == "__main__":
    main()
