"""`python -m infra.project`: write `Pulumi.yaml` from the settings."""

from pathlib import Path

from infra.config import project_file

PATH = Path(__file__).parents[1] / "Pulumi.yaml"


def main() -> None:
    """Write the file."""
    PATH.write_text(project_file())


if __name__ == "__main__":
    main()
