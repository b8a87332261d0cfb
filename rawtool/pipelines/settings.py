"""What a journey is told: known before anything is read or loaded."""

from dataclasses import dataclass

from rawtool.vocabulary import Format, Look, Profile, Stage


@dataclass(frozen=True, slots=True)
class DevelopSettings:
    """How a picture is developed and written.

    white_balance is ``camera``, ``auto`` or three gains ``R,G,B``; exposure_ev is on top of the
    automatic exposure; strength (0 to 100) is the share of the restoration; the look is of finished
    pictures. bit_depth None takes the format's own; tile None lets memory decide; output_size is ``WxH``,
    ``N%`` or the longest side.
    """

    stage: Stage = Stage.FULL
    white_balance: str = "camera"
    exposure_ev: float = 0.0
    strength: float = 100.0
    look: Look = Look.NATURAL
    profile: Profile = Profile.SRGB
    format: Format = Format.JPEG
    quality: int = 95
    subsampling: str = "444"
    bit_depth: int | None = None
    is_float: bool = False
    compression: str | None = None
    tile: int | None = None
    output_size: str | None = None
