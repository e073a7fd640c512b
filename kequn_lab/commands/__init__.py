"""Between the command line and the rooms: the console, and words typed by people."""

__all__: list[str] = []
