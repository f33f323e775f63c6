"""`python -m cli` is `isthmus`."""

from cli.main import run

if __name__ == "__main__":
    run()
