"""Numbers with their nouns, as every sentence for people has them: "1 work", "5 works"."""


def counted(number: int, noun: str, several: str | None = None) -> str:
    """Return a number with its noun: "1 reference", "5 references", "1,200 references".

    Args:
        number: How many there are.
        noun: What they are, in the singular, with whatever follows it: "work matches".
        several: The same for more or fewer than one; with an "s" after `noun` if absent.
    """
    return f"{number:,} {noun if number == 1 else several or f'{noun}s'}"
