import sys

from agent import cli

if __name__ == "__main__":
    sys.exit(cli.main(sys.argv[1:]))
