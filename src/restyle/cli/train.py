"""The verb train. Floor 7."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from restyle.cli.display import bar, say
from restyle.cli.options import app, command


@command(
    app,
    "restyle train classifier_modern --data store --out run",
    "restyle train my.yaml --data music --out run --set trainer.max_epochs=3 --set data.batch=16",
    options="jobs",
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
    *,
    jobs: int,
) -> None:
    """Train a model; the same command goes on where a run was stopped. RUN/report.html shows how it goes."""
    from restyle.commands import train as verb

    with bar(config) as progress:
        result = verb.run(
            config,
            data=data,
            out=out,
            settings=changes or [],
            test=test,
            devices=devices,
            nodes=nodes,
            strategy=strategy,
            precision=precision,
            jobs=jobs,
            progress=progress,
            report=say,
        )
    print(f"{result.weights}: {'all was done before' if result.before else f'{result.epochs} epochs'}")
    for name, value in result.scores.items():
        print(f"  {name} {value:.4g}")
