"""Everything that can go wrong in a way the user can mend.

RawtoolError
├── UsageError                  2   the words do not fit together
├── ConfigError                 3   a settings file cannot be read
├── NoInputError                4   nothing matched
├── InputError                  7   an input cannot be used
│   ├── UnsupportedRawError         a sensor or compression that nobody here decodes
│   ├── CorruptFileError            damaged, cut short, empty
│   └── UnsupportedFormatError      not a picture of a kind that is read
├── ModelError                  5   a network cannot be used
│   ├── ModelNotFoundError
│   ├── ModelContractError          the card does not fit the job
│   └── EngineMissingError          a package is missing or doubled
├── DeviceError                 8   the requested device is not usable
├── MemoryLimitError            9   out of memory
├── OutputError                10   an output cannot be written
│   └── OutputExistsError       6   and is never overwritten by default
├── VerificationError          11   what was made is not what was promised
└── SidecarError               12   the raw inside a picture cannot be used
    ├── NoSidecarError              there is none
    ├── DamagedSidecarError         changed or cut short since it was written
    ├── NewerSidecarError           made by a newer rawtool
    ├── DecoderMismatchError        made for another decoder than the one that is here
    └── ModifiedBaseError           the picture around it was re-saved, turned or cropped

The message is one line: what, why, what to do. The file's name is added where it is known.
"""

from rawtool.vocabulary import ExitCode


class RawtoolError(Exception):
    """Base of all errors meant for the user."""

    code = ExitCode.MIXED


class UsageError(RawtoolError):
    """The words of the command do not fit together."""

    code = ExitCode.USAGE


class ConfigError(RawtoolError):
    """A settings file or manifest cannot be used."""

    code = ExitCode.CONFIG


class NoInputError(RawtoolError):
    """No input matched."""

    code = ExitCode.NO_INPUT


class InputError(RawtoolError):
    """An input cannot be used."""

    code = ExitCode.INPUT


class UnsupportedRawError(InputError):
    """A sensor type or compression that nobody here decodes."""


class CorruptFileError(InputError):
    """A file that is damaged, cut short or empty."""


class UnsupportedFormatError(InputError):
    """Not a picture of a kind that is read."""


class ModelError(RawtoolError):
    """A network cannot be used."""

    code = ExitCode.MODEL


class ModelNotFoundError(ModelError):
    """No model of that name, or its file is missing."""


class ModelContractError(ModelError):
    """The card of a network does not fit the job, or its file does not fit the card."""


class EngineMissingError(ModelError):
    """A package that runs networks is missing or installed twice."""


class DeviceError(RawtoolError):
    """The requested device is not usable."""

    code = ExitCode.DEVICE


class MemoryLimitError(RawtoolError):
    """Memory ran out."""

    code = ExitCode.MEMORY


class OutputError(RawtoolError):
    """An output cannot be written."""

    code = ExitCode.WRITE


class OutputExistsError(OutputError):
    """The output exists and the policy is to leave it alone."""

    code = ExitCode.EXISTS


class VerificationError(RawtoolError):
    """What was made is not what was promised."""

    code = ExitCode.VERIFY


class SidecarError(RawtoolError):
    """The raw information in or beside a picture cannot be used."""

    code = ExitCode.SIDECAR


class NoSidecarError(SidecarError):
    """The picture carries none."""


class DamagedSidecarError(SidecarError):
    """Its bytes are not those that were written."""


class NewerSidecarError(SidecarError):
    """A newer version of the program made it."""


class DecoderMismatchError(SidecarError):
    """It was made for a decoder that gives other bits than the one that is here."""


class ModifiedBaseError(SidecarError):
    """The picture that it belongs to has other pixels than when it was packed."""
