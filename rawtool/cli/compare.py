"""``rawtool compare``: how close two pictures are."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from rawtool.cli import options
from rawtool.vocabulary import ExitCode

if TYPE_CHECKING:
    from rawtool.pipelines.compare import Comparison

_UNITS = {
    "psnr": "dB",
    "psnr_mu": "dB",
    "pu21_psnr": "dB",
    "ssim": "",
    "delta_e_2000_mean": "",
    "max_error": "",
}


@dataclass(frozen=True, slots=True)
class Bounds:
    """What the pictures must keep; None where nothing is asked."""

    min_psnr: float | None
    min_psnr_mu: float | None
    min_pu21_psnr: float | None
    min_ssim: float | None
    max_delta_e: float | None
    max_error: float | None

    def broken(self, found: "Comparison") -> tuple[str, ...]:
        """The bounds that are not kept, in words. What is not a number keeps none."""
        floors = (
            ("psnr", found.psnr, self.min_psnr),
            ("psnr_mu", found.psnr_mu, self.min_psnr_mu),
            ("pu21_psnr", found.pu21_psnr, self.min_pu21_psnr),
            ("ssim", found.ssim, self.min_ssim),
        )
        ceilings = (
            ("delta_e_2000_mean", found.delta_e_2000_mean, self.max_delta_e),
            ("max_error", found.max_error, self.max_error),
        )
        low = (
            f"{name} {value:.4g} is under {floor:g}"
            for name, value, floor in floors
            if floor is not None and not value >= floor
        )
        high = (
            f"{name} {value:.4g} is over {ceiling:g}"
            for name, value, ceiling in ceilings
            if ceiling is not None and not value <= ceiling
        )
        return (*low, *high)


@click.command("compare", cls=options.GatheringCommand, short_help="Say how close two pictures are.")
@options.stacked(
    click.argument("first", metavar="A", type=click.Path(path_type=Path)),
    click.argument("second", metavar="B", type=click.Path(path_type=Path)),
    click.option("--min-psnr", type=float, metavar="DB", help="Exit 1 under this PSNR."),
    click.option("--min-psnr-mu", type=float, metavar="DB", help="Exit 1 under this PSNR after the mu-law."),
    click.option("--min-pu21-psnr", type=float, metavar="DB", help="Exit 1 under this PSNR after PU21."),
    click.option("--min-ssim", type=float, metavar="X", help="Exit 1 under this SSIM of luma."),
    click.option("--max-delta-e", type=float, metavar="X", help="Exit 1 over this mean Delta E 2000."),
    click.option("--max-error", type=float, metavar="X", help="Exit 1 over this largest difference."),
    options.json_option,
    options.verbosity_options,
)
def compare(first: Path, second: Path, bounds: Bounds, is_json: bool) -> int:
    """Say how close picture B is to picture A; exit 1 if a bound that was asked for is not kept."""
    from rawtool.cli import failures
    from rawtool.cli.report import say_result
    from rawtool.pipelines.compare import compare as compare_pictures

    found = compare_pictures(first, second)
    broken = bounds.broken(found)
    names = {"a": str(first), "b": str(second), "beyond": list(broken)}
    say_result({"v": 1, "event": "compare", **names, **_finite(found)} if is_json else _lines(found))
    for text in broken:
        failures.say_failure(text, second)
    return int(ExitCode.MIXED if broken else ExitCode.OK)


def _finite(found: "Comparison") -> dict[str, float | None]:
    """The figures; JSON has no infinity, so that of equal pictures becomes None."""
    return {name: value if abs(value) < float("inf") else None for name, value in asdict(found).items()}


def _lines(found: "Comparison") -> str:
    return "\n".join(
        f"{name:18} {value:.6g} {_UNITS.get(name, '')}".rstrip() for name, value in asdict(found).items()
    )
