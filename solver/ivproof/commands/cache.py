"""``ivproof cache``: what is kept between runs, where, and whether it is used; and how to be rid of it."""

from __future__ import annotations

from typing import Annotated

import typer

from ivproof.commands.common import REFUSED, say, show
from ivproof.formats.plain import plain


def cache(
    clear: Annotated[bool, typer.Option("--clear", help="Remove what is kept; it is made again when needed.")] = False,
) -> None:
    """Show the folder in which the program keeps what it works out of a law: never of a chart.

    Exit status: 0, or 1 where the folder is not used, because it is another user's or others can write in it.
    """
    from ivproof.law.kept import cache_folder, kept_files, why_unused

    folder = cache_folder()
    if folder is None:
        show("Nothing is kept: IVPROOF_CACHE is empty, or there is no home.")
        return
    why = why_unused(folder)
    if why:
        say(f"ivproof: {folder} is not used: {why}")
        raise typer.Exit(REFUSED)
    found = list(kept_files(folder)) if folder.is_dir() else []
    size = sum(it.st_size for _, it in found)
    if clear:
        for path, _ in found:
            path.unlink(missing_ok=True)
    told = f"{len(found)} {'file' if len(found) == 1 else 'files'}, {size / 1e6:.1f} MB"
    show(f"{plain(str(folder))}\n{'Removed ' if clear else ''}{told}")
