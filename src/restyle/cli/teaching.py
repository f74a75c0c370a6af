"""The commands that make data and teach models: data, train, models. Floor 7."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from restyle.cli.app import Debug, Jobs, Seed, Verbose, app, bar, cores, examples, say, say_done, table

Cluster = Annotated[str | None, typer.Option(metavar="ADDRESS", help="Of a Ray (ray://...) or Dask cluster.")]

data_app = typer.Typer(
    help="Render MIDI files to songs, and turn songs into spectrograms.",
    rich_markup_mode=None,
    epilog=examples(
        "restyle data render midi -o songs --soundfont gm.sf2",
        "restyle data spectrograms songs -o store --kind stft",
    ),
)
app.add_typer(data_app, name="data")


@data_app.command(
    epilog=examples(
        "restyle data render midi -o songs --soundfont gm.sf2 --variations 3",
        "restyle data render midi -o test-songs --soundfont other.sf2 --plain --seconds 30",
    )
)
def render(
    midi: Annotated[Path, typer.Argument(metavar="MIDI_DIR", help="MIDI files; sub-folders are labels.")],
    out: Annotated[Path, typer.Option("-o", "--output", metavar="DIR", help="Folder of the songs.")],
    soundfont: Annotated[list[Path], typer.Option(metavar="F", help="An .sf2 or .sf3 file; may be given again.")],
    variations: Annotated[int, typer.Option(help="Songs made of every MIDI file.")] = 1,
    jobs: Jobs = None,
    seconds: Annotated[float, typer.Option(help="How much of a song is made at most.")] = 180.0,
    rate: Annotated[int, typer.Option(help="Sampling rate of the songs in Hz.")] = 22050,
    seed: Seed = 0,
    notes: Annotated[
        list[Path] | None, typer.Option(metavar="DIR", help="Recorded single notes that also play.")
    ] = None,
    plain: Annotated[bool, typer.Option("--plain", help="As the files are: nothing is varied.")] = False,
    stems: Annotated[bool, typer.Option("--stems", help="Also keep every part on its own.")] = False,
    free: Annotated[
        bool, typer.Option("--free", help="Any instruments play 1 to 6 of the parts, bent: to teach a transcriber.")
    ] = False,
    drums: Annotated[
        Path | None, typer.Option(metavar="DIR", help="MIDI files whose drums may join songs that are free.")
    ] = None,
    noises: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Drum loops without notes that may join them, too.")
    ] = None,
    cluster: Cluster = None,
    verbose: Verbose = False,
    debug: Debug = False,
) -> None:
    """Render MIDI files to songs with their notes; a second run makes what is left, the same seed the same songs."""
    from restyle.commands import data as command

    recipe = command.Recipe(
        tuple(soundfont),
        rate=rate,
        seconds=seconds,
        seed=seed,
        samples=tuple(notes or ()),
        plain=plain,
        stems=stems,
        free=free,
        drums=drums,
        noises=noises,
    )
    with _counting("songs") as report:
        result = command.render(
            midi, out, recipe, variations=variations, jobs=jobs or cores(), address=cluster, report=report
        )
    print(f"{out}: {result.new} new, {result.kept} kept, {len(result.skipped)} skipped")


@data_app.command(
    epilog=examples(
        "restyle data instruments midi -o clips --soundfont gm.sf2 --count 6",
        "restyle data instruments midi -o strings --soundfont gm.sf2 --only gm048 --count 360",
    )
)
def instruments(
    midi: Annotated[Path, typer.Argument(metavar="MIDI_DIR", help="MIDI files that phrases are taken from.")],
    out: Annotated[Path, typer.Option("-o", "--output", metavar="DIR", help="Folder of the clips.")],
    soundfont: Annotated[list[Path], typer.Option(metavar="F", help="An .sf2 or .sf3 file; may be given again.")],
    notes: Annotated[
        list[Path] | None, typer.Option(metavar="DIR", help="Recorded single notes: more instruments.")
    ] = None,
    only: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="Just this one, as gm000 (programme 0); may be given again."),
    ] = None,
    count: Annotated[int, typer.Option(help="Clips of each instrument.")] = 6,
    seconds: Annotated[float, typer.Option(help="Length of a phrase; a clip has two.")] = 5.0,
    varied: Annotated[bool, typer.Option("--varied", help="Each phrase in a room of its own.")] = False,
    room: Annotated[bool, typer.Option("--room", help="Half of the clips in a room.")] = False,
    jobs: Jobs = None,
    seed: Seed = 0,
    verbose: Verbose = False,
    debug: Debug = False,
) -> None:
    """Make clips of single instruments with their notes: what timbre, note_synth, vae_gan ... are taught with."""
    from restyle.commands import data as command

    with _counting("instruments") as report:
        result = command.instruments(
            midi,
            out,
            soundfont,
            samples=notes or (),
            only=only or (),
            count=count,
            seconds=seconds,
            varied=varied,
            room=room,
            seed=seed,
            jobs=jobs or cores(),
            report=report,
        )
    print(f"{out}: {result.new} new, {result.kept} kept, {len(result.skipped)} skipped")


@data_app.command(
    epilog=examples(
        "restyle data use gtzan gtzan -o songs",
        "restyle data use gtzan gtzan -o songs --list train=train_filtered.txt --list test=test_filtered.txt",
        "restyle data use maestro maestro --download -o songs",
    )
)
def use(
    name: Annotated[str, typer.Argument(metavar="NAME", help="gtzan, groove, maestro or nsynth.")],
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Where it was unpacked.")],
    out: Annotated[Path, typer.Option("-o", "--output", metavar="SONGS", help="Folder of the list of its sounds.")],
    lists: Annotated[
        list[str] | None, typer.Option("--list", metavar="SIDE=FILE", help="GTZAN: files of a side of the split.")
    ] = None,
    download: Annotated[bool, typer.Option("--download", help="Download it to DIR first.")] = False,
    verbose: Verbose = False,
    debug: Debug = False,
) -> None:
    """List the sounds of a known data set, with labels, notes and split, for 'data spectrograms' and 'train'."""
    from restyle.commands import dataset as command
    from restyle.errors import RestyleError

    sides = dict(text.partition("=")[::2] for text in lists or [])
    if not all(sides.values()):
        raise RestyleError("write --list as SIDE=FILE, as --list train=train_filtered.txt")
    paths = {side: Path(file) for side, file in sides.items()}
    found = command.use(name, folder, out, lists=paths, download=download)
    print(f"{out}: {len(found.items)} sounds of {len(found.labels)} labels, {len(found.skipped)} skipped")


@data_app.command(
    epilog=examples(
        "restyle data spectrograms songs -o store",
        "restyle data spectrograms songs -o store --kind mel --bins 64 --rate 16000",
    )
)
def spectrograms(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Songs, or sounds in sub-folders named by label.")],
    out: Annotated[Path, typer.Option("-o", "--output", metavar="STORE", help="Folder of the store.")],
    kind: Annotated[str, typer.Option(metavar="stft|mel|cqt", help="Which spectrogram.")] = "stft",
    rate: Annotated[int | None, typer.Option(help="Sampling rate in Hz.")] = None,
    n_fft: Annotated[int | None, typer.Option("--n-fft", help="Samples of a window.")] = None,
    hop: Annotated[int | None, typer.Option(help="Samples from window to window.")] = None,
    bins: Annotated[int | None, typer.Option(help="Bands of mel or cqt.")] = None,
    sound: Annotated[bool, typer.Option("--sound", help="Also keep the sounds themselves.")] = False,
    partials: Annotated[bool, typer.Option("--partials", help="Also keep how notes sound (by MIDI files).")] = False,
    pitch: Annotated[
        bool, typer.Option("--pitch", help="Also keep what is played, as the transcriber hears it.")
    ] = False,
    jobs: Jobs = None,
    cluster: Cluster = None,
    verbose: Verbose = False,
    debug: Debug = False,
) -> None:
    """Put log1p spectrograms of all sounds in a store that training reads; a second run makes what is left."""
    from restyle.commands import data as command

    given = {"kind": kind, "rate": rate, "n_fft": n_fft, "hop": hop, "bins": bins}
    settings = {name: value for name, value in given.items() if value is not None}
    with _counting("spectrograms") as report:
        result = command.spectrograms(
            folder,
            out,
            settings,
            sound=sound,
            partials=partials,
            pitch=pitch,
            jobs=jobs or cores(),
            address=cluster,
            report=report,
        )
    print(f"{out}: {result.new} new, {result.kept} kept, {len(result.skipped)} skipped")


@app.command(
    epilog=examples(
        "restyle train classifier_modern --data store --out run",
        "restyle train my.yaml --data music --out run --set trainer.max_epochs=3 --set data.batch=16",
    )
)
def train(
    config: Annotated[str, typer.Argument(metavar="CONFIG", help="A config of the package, or a YAML file.")],
    data: Annotated[Path, typer.Option(metavar="DIR", help="A store, or sounds in sub-folders named by label.")],
    out: Annotated[Path, typer.Option("-o", "--out", metavar="RUN", help="Folder of the run.")],
    changes: Annotated[list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Change the config.")] = None,
    test: Annotated[Path | None, typer.Option(metavar="DIR", help="Data that are looked at once, at the end.")] = None,
    devices: Annotated[str, typer.Option(help="GPUs, or processes without a GPU.")] = "auto",
    nodes: Annotated[int, typer.Option(help="Machines; give the same command on each.")] = 1,
    strategy: Annotated[str, typer.Option(help="Lightning's, as ddp.")] = "auto",
    precision: Annotated[str, typer.Option(help="Lightning's, as bf16-mixed.")] = "auto",
    jobs: Jobs = None,
    verbose: Verbose = False,
    debug: Debug = False,
) -> None:
    """Train a model; the same command goes on where a run was stopped. RUN/report.html shows how it goes."""
    from restyle.commands import train as command

    with bar(config) as progress:
        result = command.run(
            config,
            data=data,
            out=out,
            settings=changes or [],
            test=test,
            devices=devices,
            nodes=nodes,
            strategy=strategy,
            precision=precision,
            jobs=jobs or cores(),
            progress=progress,
            report=say,
        )
    print(f"{result.weights}: {'all was done before' if result.before else f'{result.epochs} epochs'}")
    for name, value in result.scores.items():
        print(f"  {name} {value:.4g}")


@app.command(epilog=examples("restyle models", "restyle models vae_gan", "restyle models hf:org/name"))
def models(
    name: Annotated[
        str | None,
        typer.Argument(metavar="NAME", help="To describe: also a path, a run, or hf:org/name[@commit] to fetch."),
    ] = None,
    verbose: Verbose = False,
    debug: Debug = False,
) -> None:
    """List the models that come with the package, your own and downloaded ones; or say what one is."""
    from restyle.commands import models as command

    if name:
        with bar(name) as progress:
            told = command.describe(name, progress=progress)
        width = max(map(len, told))
        for key, value in told.items():
            print(f"{key:{width}}  {', '.join(value) if isinstance(value, list) else value}")
        return
    table(["name", "where", "kind", "size", "licence"], command.rows(command.run()))


@contextmanager
def _counting(what: str) -> Iterator[Callable[[str, int, int], None]]:
    with bar(what) as progress:

        def report(name: str, done: int, of: int) -> None:
            say_done(name, done, of)
            progress(done / max(1, of))

        yield report
