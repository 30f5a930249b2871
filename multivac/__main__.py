"""The command `multivac`, and `python -m multivac`."""

import gc


def main() -> None:
    """Run the command.

    While a thousand modules are read nothing is looked through for garbage, of which there is none: that
    took a third of each start, of every health check too.
    """
    gc.disable()
    from multivac.cli import main as run  # noqa: PLC0415  # only now

    gc.freeze()
    gc.enable()
    run()


if __name__ == "__main__":
    main()
