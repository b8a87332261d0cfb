"""Camera files to frames: LibRaw first, tifffile for the DNGs that LibRaw refuses or rounds.

What a DNG says of itself is always read from its own tags (dngtags); LibRaw is asked only for its
samples. Of a camera's own format LibRaw is asked for everything but the EXIF.
"""

from dataclasses import replace
from pathlib import Path

import numpy as np

from rawtool.arrays import AnyArray, Samples
from rawtool.errors import CorruptFileError, UnsupportedFormatError, UnsupportedRawError
from rawtool.frames import Capture, GainMap, Illuminated, RawFrame
from rawtool.io.capture import read_facts, read_noise_profile
from rawtool.io.ciff import read_make_and_model
from rawtool.io.dngcolor import read_matrices, read_neutral
from rawtool.io.dngpixels import read_codes
from rawtool.io.dngtags import DngPicture, find_picture, read_picture
from rawtool.io.exif import block_of, minimal_block
from rawtool.io.exifsource import ExifSource, find_exif, source_of
from rawtool.io.libraw import Decoded, read_camera_file, read_stored
from rawtool.io.opcodes import read_gain_maps
from rawtool.io.reading import readable
from rawtool.io.tiffdir import Directory, read_directories
from rawtool.vocabulary import SensorKind

RAW_SUFFIXES = frozenset(
    {
        *(".3fr", ".ari", ".arw", ".bay", ".cr2", ".cr3", ".crw", ".dcr", ".dng", ".erf", ".fff", ".gpr"),
        *(".iiq", ".k25", ".kdc", ".mef", ".mos", ".mrw", ".nef", ".nrw", ".orf", ".pef", ".raf", ".raw"),
        *(".rw2", ".rwl", ".sr2", ".srf", ".srw", ".x3f"),
    }
)
_PICTURES = {
    b"\xff\xd8\xff": "a JPEG picture",
    b"\x89PNG": "a PNG picture",
    b"GIF8": "a GIF picture",
    b"%PDF": "a PDF document",
    b"PK\x03\x04": "a ZIP archive",
    b"v/1\x01": "an OpenEXR picture",
    b"#?RA": "a Radiance picture",
    b"RIFF": "a RIFF file",
}
_TIFF_HEADS = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
_DNG_VERSION = 50706
_UNCOMPRESSED, _LOSSLESS_JPEG, _LOSSY_JPEG = 1, 7, 34892
_D65_CCT_K = 6504.0


def is_raw(path: Path) -> bool:
    """Return whether a file's suffix is one that cameras give to raws."""
    return path.suffix.lower() in RAW_SUFFIXES


def read_raw(path: Path) -> RawFrame:
    """Return the frame of a raw file: samples of the active area, linearised, before black and white.

    Raises:
        CorruptFileError: damaged, cut short or empty.
        UnsupportedRawError: a sensor or compression that nobody here decodes.
        UnsupportedFormatError: not a raw file.
        InputError: not readable.
        MemoryLimitError: memory ran out.
    """
    with readable(), path.open("rb") as stream:
        head = stream.read(16)
        _check_head(head)
        directories = read_directories(stream)
        source = source_of(stream, directories[0]) if directories else find_exif(stream)
        maker = read_make_and_model(stream)
    if head[:4] in _TIFF_HEADS and not directories:
        raise CorruptFileError("the file ends before its directory does; copy it again from the card")
    if directories and _DNG_VERSION in directories[0].entries and source is not None:
        return _read_dng(path, directories, source)
    return _read_camera_file(path, source, maker)


def _check_head(head: bytes) -> None:
    """Refuse what is plainly not a raw file."""
    if not head:
        raise CorruptFileError("the file is empty; copy it again from the card")
    what = next((name for magic, name in _PICTURES.items() if head.startswith(magic)), None)
    if what is not None:
        raise UnsupportedFormatError(
            f"this is {what}, not a raw file, whatever its name says; give the camera's raw file"
        )


def _read_dng(path: Path, directories: tuple[Directory, ...], source: ExifSource) -> RawFrame:
    """Return the frame of a DNG."""
    main = directories[0]
    found = find_picture(directories)
    picture = read_picture(main, found)
    matrices = read_matrices(main, found)
    facts = read_facts(source)
    top, left, height, width = picture.active
    samples = _dng_samples(path, picture)[top : top + height, left : left + width]
    return RawFrame(
        samples=_owned(samples),
        kind=picture.kind,
        cfa=picture.cfa,
        black_level=picture.black_level,
        white_level=picture.white_level,
        crop=picture.crop,
        capture=Capture(
            make=facts.make,
            model=facts.model,
            matrices=matrices,
            as_shot_neutral=read_neutral(main, found, matrices)
            if picture.kind is not SensorKind.MONOCHROME
            else None,
            orientation=facts.orientation,
            baseline_exposure_ev=main.number(50730) or 0.0,
            iso=facts.iso,
            exposure_s=facts.exposure_s,
            f_number=facts.f_number,
            focal_length_mm=facts.focal_length_mm,
            taken_at=facts.taken_at,
            noise_profile=read_noise_profile(main, found),
            exif=block_of(source),
            xmp=source.xmp,
        ),
        gain_maps=_gain_maps(found, picture),
    )


def _dng_samples(path: Path, picture: DngPicture) -> AnyArray:
    """Return the whole stored picture.

    LibRaw turns floats into 14 bits and deflated integers into errors, and wraps the rows of tiles wider
    than the picture, so those go to tifffile at once.
    """
    is_plain = picture.compression in (_UNCOMPRESSED, _LOSSLESS_JPEG, _LOSSY_JPEG) and not picture.is_float
    is_wrapped = picture.compression == _LOSSLESS_JPEG and picture.directory.integer(322, 0) > picture.width
    if not is_plain or is_wrapped or picture.directory.layout.is_big:
        return read_codes(path, picture)
    try:
        stored = read_stored(path)
    except UnsupportedRawError:
        if picture.directory.n_damaged:
            raise CorruptFileError(
                "the directory of the file is damaged; copy it again from the card"
            ) from None
        return read_codes(path, picture)
    if stored.shape[:2] == (picture.height, picture.width):
        return stored
    return read_codes(path, picture)


def _gain_maps(found: Directory, picture: DngPicture) -> tuple[GainMap, ...]:
    """Return the gain maps of OpcodeList2 and those of OpcodeList3 that fit the samples.

    List 3 counts colours, so a mosaic takes from it only what treats all colours alike.
    """
    shape = picture.active[2], picture.active[3]
    second, third = (read_gain_maps(_payload(found, code), shape) for code in (51009, 51022))
    if picture.cfa is not None:
        third = tuple(gain_map for gain_map in third if gain_map.plane == 0 and gain_map.n_planes >= 3)
    return second + third


def _payload(directory: Directory, code: int) -> bytes | None:
    """Return a tag's bytes."""
    entry = directory.entries.get(code)
    return None if entry is None else entry.payload


def _read_camera_file(path: Path, source: ExifSource | None, maker: tuple[str, str] | None) -> RawFrame:
    """Return the frame of a camera's own format."""
    decoded = read_camera_file(path)
    lights = () if decoded.camera_from_xyz is None else (Illuminated(_D65_CCT_K, decoded.camera_from_xyz),)
    return RawFrame(
        samples=_owned(decoded.samples),
        kind=decoded.kind,
        cfa=decoded.cfa,
        black_level=decoded.black_level,
        white_level=decoded.white_level,
        crop=decoded.crop,
        capture=_camera_capture(decoded, lights, source, maker),
    )


def _camera_capture(
    decoded: Decoded,
    lights: tuple[Illuminated, ...],
    source: ExifSource | None,
    maker: tuple[str, str] | None,
) -> Capture:
    """Return the capture of a camera's own format: EXIF where there is some, else what LibRaw knows."""
    shot = decoded.shot
    facts = read_facts(source) if source else None
    make, model = (facts.make, facts.model) if facts else maker or ("", "")
    capture = Capture(
        make=make,
        model=model,
        as_shot_neutral=decoded.neutral,
        matrices=lights,
        orientation=decoded.orientation,
        iso=(facts and facts.iso) or shot.iso,
        exposure_s=(facts and facts.exposure_s) or shot.exposure_s,
        f_number=(facts and facts.f_number) or shot.f_number,
        focal_length_mm=(facts and facts.focal_length_mm) or shot.focal_length_mm,
        taken_at=(facts and facts.taken_at) or shot.taken_at,
        exif=block_of(source) if source else None,
        xmp=source.xmp if source else None,
    )
    return capture if capture.exif else replace(capture, exif=minimal_block(capture))


def _owned(samples: AnyArray) -> Samples:
    """Return a contiguous array that holds no larger one alive."""
    return np.array(samples, order="C") if samples.base is not None else samples
