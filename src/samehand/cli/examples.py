"""What one types: the examples that the help shows. A test parses every one of them."""

FIRST_EXAMPLES = {
    "Pairs of paintings": "samehand compare a.jpg b.jpg",
    "A doubtful work": "samehand verify doubtful.jpg --references secure/",
    "A collection": "samehand gallery add masters paintings/",
    "In a browser, and for programs": "samehand serve --gallery masters",
    "Measuring": "samehand evaluate pairs.parquet --catalogue mine --out report",
    "Making a model": "samehand train recipes/lite0.toml --catalogue mine --out run",
    "This installation": "samehand doctor",
}
"""One example for each purpose, by its heading."""

EXAMPLES: dict[str, tuple[str, ...]] = {
    "compare": (
        "samehand compare a.jpg b.jpg",
        "samehand compare a.jpg b.jpg --prior 0.05 --evidence evidence.png",
    ),
    "score": ("samehand score pairs.csv --images scans --out scores.csv",),
    "report": (
        "samehand report a.jpg b.jpg --out report.html",
        "samehand report doubtful.jpg --references secure/ --out report.pdf",
    ),
    "manifest": ("samehand manifest a.jpg b.jpg --out pair.json --base https://a.org/iiif",),
    "verify": (
        "samehand verify doubtful.jpg --references secure/",
        "samehand verify doubtful/ --references secure/ --out answers.csv",
    ),
    "search": ("samehand search doubtful.jpg --gallery masters --top 10",),
    "identify": ("samehand identify doubtful.jpg --gallery masters",),
    "cluster": ("samehand cluster --gallery masters --out hands.csv",),
    "suspects": (
        "samehand suspects --gallery masters --where style=Baroque",
        "samehand suspects --gallery masters --out suspects.csv --sheet suspects.png",
    ),
    "queue": ("samehand queue masters --where artist=",),
    "decide": ("samehand decide masters A-1875.3 A-1880.9 same --note 'same ground'",),
    "decisions": (
        "samehand decisions masters",
        "samehand decisions masters --out decisions.xlsx",
    ),
    "push": ("samehand push models/mine museum/mine --report report/report.json",),
    "schema": ("samehand schema Verdict",),
    "mcp": ("samehand mcp --root paintings --gallery masters",),
    "serve": ("samehand serve --gallery masters",),
    "users add": ("samehand users add users.json ann --role decider",),
    "users remove": ("samehand users remove users.json ann",),
    "users list": ("samehand users list users.json",),
    "fetch": ("samehand fetch aic 'Claude Monet' --out monet --limit 50",),
    "prepare": (
        "samehand prepare folder paintings --out mine",
        "samehand prepare table paintings.csv --images scans --out mine",
    ),
    "protocol": (
        "samehand protocol --catalogue mine --out pairs.parquet",
        "samehand protocol --catalogue mine --out style.parquet --within-style",
    ),
    "atelier": ("samehand atelier out/paintings --painters 45 --works 10 --size 128",),
    "train": (
        "samehand train recipes/lite0.toml --catalogue mine --out runs/a",
        "samehand train recipes/vit.toml --catalogue mine --out runs/b --set seed=2",
    ),
    "export": ("samehand export runs/a --catalogue mine --out models/mine",),
    "background": ("samehand background models/mine --catalogue mine",),
    "evaluate": (
        "samehand evaluate pairs.parquet --catalogue mine --out report",
        "samehand evaluate pairs.parquet --catalogue mine --out r --model models/mine",
    ),
    "calibrate": (
        "samehand calibrate lite --gallery masters --out models/masters",
        "samehand calibrate models/mine --catalogue mine",
    ),
    "doctor": ("samehand doctor",),
    "embed": (
        "samehand embed paintings/ --out embedded",
        "samehand embed 's3://b/*.tar' --out s3://b/embedded --engine ray",
    ),
    "gallery create": (
        "samehand gallery create masters",
        "samehand gallery create lance:///data/atlas",
    ),
    "gallery add": (
        "samehand gallery add masters paintings/",
        "samehand gallery add masters works.csv --images scans",
    ),
    "gallery remove": ("samehand gallery remove masters --where 'artist=Unknown'",),
    "gallery set": ("samehand gallery set masters qualifier=after --where 'title~copy'",),
    "gallery rename": ("samehand gallery rename masters old-masters",),
    "gallery merge": ("samehand gallery merge masters loans",),
    "gallery delete": ("samehand gallery delete masters",),
    "gallery list": ("samehand gallery list masters --where 'artist~Ruysdael'",),
    "gallery info": ("samehand gallery info masters",),
    "gallery index": ("samehand gallery index masters",),
    "gallery export": (
        "samehand gallery export masters --out masters.xlsx",
        "samehand gallery export masters --out masters.jsonld",
    ),
    "gallery re-embed": ("samehand gallery re-embed masters --model models/mine",),
    "pairs show": ("samehand pairs show --catalogue mine --out sheets",),
}
"""Examples by what is typed after `samehand`."""
