"""What somebody may have meant who typed none of the words that an option takes."""

import difflib
import re
from collections.abc import Iterator
from contextlib import contextmanager

import typer


@contextmanager
def naming_the_nearest() -> Iterator[None]:
    """Add "Did you mean 'fmr1'?" to the refusal of a word that is close to one of the choices."""
    try:
        yield
    except typer.BadParameter as error:
        choices = getattr(getattr(error.param, "type", None), "choices", ())
        typed = re.match("'(.*?)' is not one of ", error.message)
        if typed is not None:
            by_case = {str(choice).casefold(): str(choice) for choice in choices}
            close = difflib.get_close_matches(typed[1].casefold(), by_case, 1)
            if close:
                error.message += f" Did you mean '{by_case[close[0]]}'?"
        raise
