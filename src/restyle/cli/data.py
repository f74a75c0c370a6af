"""The verb data: arrange, render, instruments, use, spectrograms, stems. Floor 7."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from restyle.cli.display import counting
from restyle.cli.options import command, group, output
from restyle.errors import RestyleError

SoundFonts = Annotated[list[Path], typer.Option(metavar="F", help="An .sf2 or .sf3 file; may be given again.")]

verbs = group(
    "data",
    "Render MIDI files to songs, and turn songs into spectrograms.",
    "restyle data render midi -o songs --soundfont gm.sf2",
    "restyle data spectrograms songs -o store --kind stft",
)


@command(
    verbs,
    "restyle data render midi -o songs --soundfont gm.sf2 --variations 3",
    "restyle data render midi -o test-songs --soundfont other.sf2 --plain --seconds 30",
    options="jobs seconds rate seed notes plain stems free drums noises backgrounds cluster",
)
def render(
    midi: Annotated[Path, typer.Argument(metavar="MIDI_DIR", help="MIDI files; sub-folders are labels.")],
    out: Annotated[Path, output("DIR", "Folder of the songs.")],
    soundfont: SoundFonts,
    variations: Annotated[int, typer.Option(help="Songs made of every MIDI file.")] = 1,
    seconds: Annotated[float, typer.Option(help="How much of a song is made at most.")] = 180.0,
    rate: Annotated[int, typer.Option(help="Sampling rate of the songs in Hz.")] = 22050,
    notes: Annotated[
        list[Path] | None, typer.Option(metavar="DIR", help="Recorded single notes that also play; may be given again.")
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
    backgrounds: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Recordings whose noise floors lie under the songs.")
    ] = None,
    *,
    jobs: int,
    seed: int,
    cluster: str | None,
) -> None:
    """Render MIDI files to songs with their notes; a second run makes what is left, the same seed the same songs."""
    from restyle.commands import data as verb

    recipe = verb.Recipe(
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
        backgrounds=backgrounds,
    )
    with counting("songs") as report:
        result = verb.render(midi, out, recipe, variations=variations, jobs=jobs, address=cluster, report=report)
    _show(out, result)


@command(
    verbs,
    "restyle data instruments midi -o clips --soundfont gm.sf2 --count 6",
    "restyle data instruments midi -o strings --soundfont gm.sf2 --only gm048 --count 360",
    options="jobs seed",
)
def instruments(
    midi: Annotated[Path, typer.Argument(metavar="MIDI_DIR", help="MIDI files that phrases are taken from.")],
    out: Annotated[Path, output("DIR", "Folder of the clips.")],
    soundfont: SoundFonts,
    notes: Annotated[
        list[Path] | None,
        typer.Option(metavar="DIR", help="Recorded single notes: more instruments; may be given again."),
    ] = None,
    only: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="Just this one, as gm000 (programme 0); may be given again."),
    ] = None,
    count: Annotated[int, typer.Option(help="Clips of each instrument.")] = 6,
    seconds: Annotated[float, typer.Option(help="Length of a phrase; a clip has two.")] = 5.0,
    varied: Annotated[bool, typer.Option("--varied", help="Each phrase in a room of its own.")] = False,
    room: Annotated[bool, typer.Option("--room", help="Half of the clips in a room.")] = False,
    **rest: Any,
) -> None:
    """Make clips of single instruments with their notes: what timbre, note_synth, vae_gan ... are taught with."""
    from restyle.commands import data as verb

    rest |= {"count": count, "seconds": seconds, "varied": varied, "room": room}
    with counting("instruments") as report:
        result = verb.instruments(midi, out, soundfont, samples=notes or (), only=only or (), report=report, **rest)
    _show(out, result)


@command(
    verbs,
    "restyle data arrange charts -o set --songs 3000 --jobs 2",
    "restyle data arrange charts -o set --grooves Swing,BossaNova,stdlib/tango --bars 16",
    options="jobs seed",
)
def arrange(
    charts: Annotated[Path, typer.Argument(metavar="CHARTS_DIR", help="Chord charts: a bar a line, a cell a beat.")],
    out: Annotated[Path, output("DIR", "Folder of the songs.")],
    grooves: Annotated[
        str, typer.Option(metavar="N|A,B", help="Grooves of a song: how many of all that MMA has, or these.")
    ] = "4",
    songs: Annotated[int, typer.Option(help="Songs of the set.")] = 1000,
    bars: Annotated[str, typer.Option(metavar="N..M", help="Bars of a song, at least and at most.")] = "8..32",
    *,
    jobs: int,
    seed: int,
) -> None:
    """Let MMA play chord charts, each in several grooves: what arrangers are taught with; a second run goes on."""
    from restyle.commands import data as verb

    least, _, most = bars.partition("..")
    if not (least.isdecimal() and (most or least).isdecimal()):
        raise RestyleError(f"{bars} is no number of bars; write --bars as 8..32, or as 16")
    length = int(least), int(most or least)
    chosen: int | list[str] = int(grooves) if grooves.isdecimal() else [name.strip() for name in grooves.split(",")]
    with counting("songs") as report:
        result = verb.arrange(
            charts, out, grooves=chosen, songs=songs, length=length, seed=seed, jobs=jobs, report=report
        )
    _show(out, result)


@command(
    verbs,
    "restyle data use gtzan gtzan -o songs",
    "restyle data use gtzan gtzan -o songs --list train=train_filtered.txt --list test=test_filtered.txt",
    "restyle data use maestro maestro --download -o songs",
)
def use(
    name: Annotated[str, typer.Argument(metavar="NAME", help="gtzan, groove, maestro or nsynth.")],
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Where it was unpacked.")],
    out: Annotated[Path, output("SONGS", "Folder of the list of its sounds.")],
    lists: Annotated[
        list[str] | None, typer.Option("--list", metavar="SIDE=FILE", help="GTZAN: files of a side of the split.")
    ] = None,
    download: Annotated[bool, typer.Option("--download", help="Download it to DIR first.")] = False,
) -> None:
    """List the sounds of a known data set, with labels, notes and split, for 'data spectrograms' and 'train'."""
    from restyle.commands import dataset as verb

    sides = dict(text.partition("=")[::2] for text in lists or [])
    if not all(sides.values()):
        raise RestyleError("write --list as SIDE=FILE, as --list train=train_filtered.txt")
    paths = {side: Path(file) for side, file in sides.items()}
    found = verb.use(name, folder, out, lists=paths, download=download)
    print(f"{out}: {len(found.items)} sounds of {len(found.labels)} labels, {len(found.skipped)} skipped")


@command(
    verbs,
    "restyle data spectrograms songs -o store",
    "restyle data spectrograms songs -o store --kind mel --bins 64 --rate 16000",
    options="jobs cluster",
)
def spectrograms(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Songs, or sounds in sub-folders named by label.")],
    out: Annotated[Path, output("STORE", "Folder of the store.")],
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
    *,
    jobs: int,
    cluster: str | None,
) -> None:
    """Put log1p spectrograms of all sounds in a store that training reads; a second run makes what is left."""
    from restyle.commands import data as verb

    given = {"kind": kind, "rate": rate, "n_fft": n_fft, "hop": hop, "bins": bins}
    settings = {name: value for name, value in given.items() if value is not None}
    kept = {"sound": sound, "partials": partials, "pitch": pitch}
    with counting("spectrograms") as report:
        result = verb.spectrograms(folder, out, settings, **kept, jobs=jobs, address=cluster, report=report)
    _show(out, result)


@command(
    verbs,
    "restyle data stems musdb18hq/train -o store",
    "restyle train separator --data store --out run",
    options="jobs cluster rate",
)
def stems(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="A folder a song: vocals, drums, bass and other.")],
    out: Annotated[Path, output("STORE", "Folder of the store.")],
    rate: Annotated[int, typer.Option(help="Sampling rate in Hz.")] = 44100,
    *,
    jobs: int,
    cluster: str | None,
) -> None:
    """Put songs whose stems are known in a store that a separator learns from; a second run makes what is left."""
    from restyle.commands import data as verb

    with counting("songs") as report:
        result = verb.stems(folder, out, rate=rate, jobs=jobs, address=cluster, report=report)
    _show(out, result)


def _show(out: Path, result: Any) -> None:
    print(f"{out}: {result.new} new, {result.kept} kept, {len(result.skipped)} skipped")
