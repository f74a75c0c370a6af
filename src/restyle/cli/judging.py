"""The commands that judge: evaluate, compare, benchmark, listen. Floor 7."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from restyle.cli.app import (
    Debug,
    Duration,
    Jobs,
    Overwrite,
    Seed,
    Start,
    Strength,
    Tone,
    Verbose,
    app,
    bar,
    cores,
    examples,
    log,
    say_done,
    table,
)

Methods = Annotated[str, typer.Option(metavar="all|A,B", help="Names of 'restyle methods', with commas between them.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]

benchmark_app = typer.Typer(
    help="Make triplets of content, style and target, and run methods on them.",
    rich_markup_mode=None,
    epilog=examples(
        "restyle benchmark make --midi midi --soundfont gm.sf2 -o triplets",
        "restyle benchmark run triplets --methods notes,mosaic -o results",
    ),
)
app.add_typer(benchmark_app, name="benchmark")


@app.command(
    epilog=examples(
        "restyle evaluate out.wav --content song.wav --style style.wav",
        "restyle evaluate out.wav --target wanted.wav --notes song.mid --json",
    )
)
def evaluate(
    out: Annotated[Path, typer.Argument(metavar="OUT", help="The result to judge.")],
    content: Annotated[Path | None, typer.Option(metavar="C", help="What should be played.")] = None,
    style: Annotated[Path | None, typer.Option(metavar="S", help="How it should sound.")] = None,
    target: Annotated[Path | None, typer.Option(metavar="T", help="What it should be, where that is known.")] = None,
    notes: Annotated[Path | None, typer.Option(metavar="C.mid", help="The content's notes, where known.")] = None,
    rhythm: Annotated[str, typer.Option(metavar="content|style", help="Whose tempo it should have.")] = "content",
    timbre: Annotated[str | None, typer.Option(metavar="NAME", help="A timbre embedding of your own.")] = None,
    as_json: AsJson = False,
    verbose: Verbose = False,
    debug: Debug = False,
) -> None:
    """Judge a result: is what is played kept, does it sound like the style, is its rhythm right, is it clean?"""
    from restyle.commands import evaluate as command
    from restyle.evaluation import METRICS

    scores = command.run(out, content=content, style=style, target=target, notes=notes, rhythm=rhythm, timbre=timbre)
    if as_json:
        import json

        print(json.dumps(scores, indent=2))
        return
    arrows = {"lower": "lower is better", "higher": "higher is better", "": ""}
    rows = []
    for question, found in scores.items():
        for name, value in found.items():
            metric = METRICS[f"{question}.{name}"]
            shown = "-" if value is None else f"{value:.4g} {metric.unit}".rstrip()
            rows.append([f"{question}.{name}", shown, arrows[metric.better], metric.text])
    table(["metric", "value", "", "what it is"], rows)
    print(command.summary(scores, rhythm))


@app.command(
    epilog=examples(
        "restyle compare song.wav --style guitar.wav --style choir.wav -o comparison",
        "restyle compare a.wav b.wav --style choir.wav --methods notes,mosaic -o comparison",
        "restyle compare pairs.csv -o comparison      (columns content,style[,target])",
    )
)
def compare(
    contents: Annotated[list[Path], typer.Argument(metavar="CONTENT", help="Recordings, or one .csv table of pairs.")],
    out: Annotated[Path, typer.Option("-o", "--output", metavar="DIR", help="Folder for report and sounds.")],
    style: Annotated[list[Path] | None, typer.Option(metavar="STYLE", help="A recording; may be given again.")] = None,
    methods: Methods = "all",
    jobs: Jobs = None,
    strength: Strength = 1.0,
    tone: Tone = True,
    seed: Seed = 0,
    start: Start = 0.0,
    duration: Duration = None,
    overwrite: Overwrite = False,
    verbose: Verbose = False,
    debug: Debug = False,
) -> None:
    """Transfer every content to every style by every method; write a page to hear, see and compare them.

    A second run does what is left; results in DIR that were made of other files, or with other options, are replaced
    only with --overwrite. What cannot be used is named on the page; the exit code is then 1.
    """
    from restyle.commands import compare as command
    from restyle.commands.shared.comparisons import REPORT, choose
    from restyle.commands.shared.settings import Settings

    settings = Settings(strength=strength, tone=tone, seed=seed, start=start, duration=duration)
    names, pairs = choose(methods), command.make_pairs(contents, style or [])
    with bar(f"{len(pairs)} pairs x {len(names)} methods") as progress:
        comparison = command.run(
            pairs,
            names,
            out,
            settings=settings,
            jobs=jobs or cores(),
            overwrite=overwrite,
            report=say_done,
            progress=progress,
        )
    _show_means(comparison, command.MAIN)
    print(f"open {out / REPORT} in a browser to hear, see and compare")
    _end(comparison)


@benchmark_app.command(
    epilog=examples(
        "restyle benchmark make --midi midi --soundfont gm.sf2 -o triplets --count 60",
        "restyle benchmark make --midi midi --notes orchestra --notes guitars -o real-triplets",
    )
)
def make(
    midi: Annotated[Path, typer.Option(metavar="DIR", help="Folder of MIDI files.")],
    out: Annotated[Path, typer.Option("-o", "--output", metavar="DIR", help="Folder of the triplets.")],
    soundfont: Annotated[
        Path | None, typer.Option(metavar="FILE", help="An .sf2 or .sf3 that no model was trained with.")
    ] = None,
    notes: Annotated[
        list[Path] | None,
        typer.Option(metavar="DIR", help="Instead: recorded notes, a folder an instrument, the pitch in their names."),
    ] = None,
    count: Annotated[int, typer.Option(help="How many.")] = 60,
    seed: Seed = 0,
    verbose: Verbose = False,
    debug: Debug = False,
) -> None:
    """Render triplets: one track as content, another as style, the content's notes by the style's sound as target."""
    from restyle.commands import benchmark as command

    with bar(f"{count} triplets") as progress:
        number = command.make(
            midi, command.instruments(soundfont, notes), out, count=count, seed=seed, progress=progress
        )
    print(f"{out}: {number} triplets")


@benchmark_app.command(
    epilog=examples(
        "restyle benchmark run triplets --methods all -o results",
        "restyle benchmark run pairs -o results      (NNN.content.* and NNN.style.* without NNN.target.*)",
    )
)
def run(
    triplets: Annotated[Path, typer.Argument(metavar="TRIPLETS", help="Folder of NNN.content.*, NNN.style.* ...")],
    out: Annotated[Path, typer.Option("-o", "--output", metavar="DIR", help="Folder for sounds and scores.")],
    methods: Methods = "all",
    jobs: Jobs = None,
    tone: Tone = True,
    seed: Seed = 0,
    overwrite: Overwrite = False,
    as_json: AsJson = False,
    verbose: Verbose = False,
    debug: Debug = False,
) -> None:
    """Judge methods on triplets (or pairs without targets); a second run does what is left."""
    from restyle.commands import benchmark as command
    from restyle.commands.shared.comparisons import choose
    from restyle.commands.shared.settings import Settings

    names = choose(methods)
    with bar(f"{triplets.name}: {', '.join(names)}") as progress:
        settings = Settings(tone=tone, seed=seed)
        comparison = command.run(
            triplets,
            names,
            out,
            settings=settings,
            jobs=jobs or cores(),
            overwrite=overwrite,
            report=say_done,
            progress=progress,
        )
    wanted = command.metrics(comparison.pairs)
    rows = list(command.rows(comparison, wanted))
    if as_json:
        import json
        from dataclasses import asdict

        print(json.dumps({"metrics": wanted, "rows": [asdict(row) for row in rows]}, indent=2))
    else:
        _show_benchmark(rows, wanted, len(comparison.pairs))
    _end(comparison)


class _PageByDefault(typer.core.TyperGroup):
    """``listen DIR`` stands for ``listen page DIR``."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        if args and args[0] not in self.commands and args[0] not in ("-h", "--help"):
            args = ["page", *args]
        return list(super().parse_args(ctx, args))


listen_app = typer.Typer(
    cls=_PageByDefault,
    help="Make a blind listening test of a comparison ('restyle listen DIR -o test.html'), and score its ratings.",
    rich_markup_mode=None,
    epilog=examples("restyle listen comparison -o test.html", "restyle listen score ratings-*.json"),
)
app.add_typer(listen_app, name="listen")


@listen_app.command(epilog=examples("restyle listen comparison -o test.html --seed 7"))
def page(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="What 'restyle compare' wrote.")],
    out: Annotated[Path, typer.Option("-o", "--output", metavar="test.html", help="The page to write.")],
    seed: Seed = 0,
    seconds: Annotated[float, typer.Option(metavar="S", help="Length of the excerpts.")] = 10.0,
    overwrite: Overwrite = False,
    verbose: Verbose = False,
    debug: Debug = False,
) -> None:
    """Write a page on which listeners rate the sounds of a comparison without knowing which is which."""
    from restyle.commands import listen as command

    count = command.make(folder, out, seed=seed, seconds=seconds, overwrite=overwrite)
    print(
        f"{out}: {count} trials; send it to listeners, and score the files that they save with 'restyle listen score'"
    )


@listen_app.command(
    epilog=examples("restyle listen score ratings-ann.json ratings-bo.json", "restyle listen score *.json --json")
)
def score(
    ratings: Annotated[list[Path], typer.Argument(metavar="RATINGS", help="Files that listeners saved.")],
    as_json: AsJson = False,
    verbose: Verbose = False,
    debug: Debug = False,
) -> None:
    """Give mean ratings with 95 % intervals, and a paired test of each two methods."""
    from restyle.commands import listen as command

    scores = command.score(ratings)
    if as_json:
        print(scores.to_json())
        return
    _show_ratings(scores)


def _show_means(comparison: Any, wanted: Sequence[str]) -> None:
    from restyle.comparison.statistics import bootstrap
    from restyle.comparison.table import COPIES

    known = set(comparison.metrics())
    names = [name for name in wanted if name in known]
    rows = []
    for method in [*COPIES, *comparison.methods]:
        cells = [bootstrap(comparison.values(method, name)) for name in [*names, "seconds"]]
        shown = [_interval(cell) for cell in cells]
        rows.append([f"copy of the {method}" if method in COPIES else method, *shown])
    table(["", *map(_heading, names), "seconds"], rows)


def _show_ratings(scores: Any) -> None:
    rows = []
    for row in scores.scores:
        rows.append([row.question, row.condition, _interval(row.interval), str(row.count)])
    table(["question", "sound", "mean, 95 % interval", "ratings"], rows)
    pairs = [
        [d.question, f"{d.first} - {d.second}", f"{d.difference:+.1f}", f"{d.p:.3g}", f"{d.p_holm:.3g}", d.unit]
        for d in scores.differences
    ]
    if pairs:
        table(["question", "difference", "mean", "p", "p (Holm)", "paired by"], pairs)
    for flag in scores.flags:
        print(
            f"{flag.name}: rated the hidden reference below 90 in {flag.low} of {flag.trials} trials ({flag.question})"
        )
    print(f"{scores.listeners} listeners, {scores.pairs} pairs")


def _heading(metric: str) -> str:
    from restyle.evaluation import METRICS

    return f"{metric.partition('.')[2]} {METRICS[metric].unit}".rstrip()


def _interval(interval: Any) -> str:
    mean, low, high = interval
    return "-" if mean != mean else f"{mean:.3g} [{low:.3g}, {high:.3g}]"


def _show_benchmark(rows: Sequence[Any], wanted: Sequence[str], count: int) -> None:
    from restyle.comparison.published import NOTE

    shown = []
    for row in rows:
        cells = [_with_error(value) for value in row.values]
        seconds = "" if row.seconds is None else f"{row.seconds:.2f}"
        memory = "" if row.memory is None else f"{row.memory / 1e6:.0f}"
        shown.append([row.name, *cells, seconds, memory, str(row.failed) if row.failed else ""])
    table(["", *map(_heading, wanted), "s a clip", "MB", "failed"], shown)
    print(f"{count} pairs, mean ± standard error; lower is better")
    if "quality.lsd" in wanted:
        print(NOTE)


def _with_error(value: tuple[float, float | None] | None) -> str:
    if value is None:
        return ""
    mean, error = value
    digits = 2 if mean >= 1 else 4
    return f"{mean:.{digits}f}" if error is None else f"{mean:.{digits}f} ± {error:.{digits}f}"


def _end(comparison: Any) -> None:
    """Name what failed; the exit code tells it, too."""
    failed = [(pair.title, pair.error) for pair in comparison.pairs if pair.error]
    failed += [(f"{pair.title}, {r.method}", r.error) for pair in comparison.pairs for r in pair.results if r.error]
    for title, reason in failed:
        print(f"{title}: {reason}")
    if failed:
        raise typer.Exit(1)
    log.info("all done")
