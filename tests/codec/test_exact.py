"""The exact coder: every sample comes back, within the bound, small, and damage is noticed."""

import base64
import zlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from rawtool.codec import exact
from rawtool.codec.exact import decode_exact, encode_exact
from rawtool.errors import DamagedSidecarError

SIDES = st.integers(1, 30)
SHAPES = st.tuples(SIDES, SIDES) | st.tuples(SIDES, SIDES, st.just(3))
VALUES = st.sampled_from([st.integers(0, 65535), st.integers(60, 75), st.just(9)])
CELLS = st.sampled_from([(1, 1), (2, 2), (4, 4), (6, 6), (1, 2)])


def photograph(
    shape: tuple[int, int] = (150, 201), cell_shape: tuple[int, int] = (2, 2), noise: float = 6.0
) -> tuple[np.ndarray, np.ndarray]:
    """A mosaic of a scene with edges and noise, and an 8-bit picture of the same scene without."""
    rows, columns = np.indices(shape)
    light = 0.45 + 0.3 * np.sin(rows / 17) * np.cos(columns / 23) + 0.2 * ((rows + columns) % 61 < 25)
    colors = light[..., None] * [0.6, 1.0, 0.4]
    place = (rows % cell_shape[0]) * cell_shape[1] + columns % cell_shape[1]
    chosen = np.take_along_axis(colors, (np.array([0, 1, 1, 2])[place % 4])[..., None], axis=2)[..., 0]
    counts = 512 + 3000 * chosen + np.random.default_rng(0).normal(size=shape) * noise
    guide = np.rint(255 * np.clip(colors / colors.max(), 0, 1) ** 0.45).astype(np.uint8)
    return np.clip(np.rint(counts), 0, 65535).astype(np.uint16), guide


def n_bits(samples: np.ndarray, guide: np.ndarray | None, max_error: int = 0) -> float:
    return 8 * len(encode_exact(samples, (2, 2), guide, max_error)) / samples.size


@st.composite
def pictures(draw):
    shape = draw(SHAPES)
    samples = draw(arrays(np.uint16, shape, elements=draw(VALUES), fill=st.just(70)))
    guide = draw(st.none() | arrays(np.uint8, (*shape[:2], 3), fill=st.integers(0, 255)))
    return samples, guide


@settings(max_examples=25)
@given(pictures(), CELLS, st.sampled_from([0, 0, 1, 40, 32767]))
def test_any_samples_come_back_within_the_bound(picture, cell_shape, max_error):
    samples, guide = picture
    back = decode_exact(encode_exact(samples, cell_shape, guide, max_error), guide)

    assert back.dtype == np.uint16
    assert back.shape == samples.shape
    assert np.abs(back.astype(int) - samples).max() <= max_error


@pytest.mark.parametrize("cell_shape", [(1, 1), (2, 2), (4, 4), (6, 6)])
def test_photographs_come_back_bit_for_bit(cell_shape):
    samples, guide = photograph((100, 111), cell_shape)

    assert np.array_equal(decode_exact(encode_exact(samples, cell_shape, guide), guide), samples)


def test_pictures_of_three_channels_come_back_bit_for_bit():
    samples = np.stack([photograph(noise=noise)[0] for noise in (3, 5, 9)], axis=2)

    assert np.array_equal(decode_exact(encode_exact(samples, (1, 1), None), None), samples)


def test_little_is_paid_beyond_the_noise():
    samples, guide = photograph((400, 500), noise=6.0)
    entropy = np.log2(6.0 * np.sqrt(2 * np.pi * np.e))

    assert n_bits(samples, guide) < entropy + 0.5
    assert n_bits(samples, None) < entropy + 0.9


def test_the_guide_helps():
    samples, guide = photograph(noise=2.0)

    assert n_bits(samples, guide) < n_bits(samples, None) - 0.1


def test_a_bound_as_wide_as_the_noise_saves_most_of_the_bits():
    samples, guide = photograph((300, 400), noise=6.0)

    assert n_bits(samples, guide, 6) < 0.4 * n_bits(samples, guide)


def test_gaps_between_values_cost_nothing():
    samples, guide = photograph()

    assert n_bits(samples * 16, guide) < n_bits(samples, guide) + 0.15


def test_a_picture_of_one_value_is_hardly_anything():
    samples = np.full((300, 400), 1023, np.uint16)
    content = encode_exact(samples, (2, 2), None)

    assert len(content) < 120
    assert np.array_equal(decode_exact(content, None), samples)


def test_the_same_samples_give_the_same_bytes():
    samples, guide = photograph()

    assert encode_exact(samples, (2, 2), guide) == encode_exact(samples.copy(), (2, 2), guide)


def golden_picture() -> tuple[np.ndarray, np.ndarray]:
    """A mosaic and its guide, made without floats."""
    rows, columns = np.indices((40, 44))
    signal = (
        300 + 9 * rows + 5 * columns + 150 * ((rows + columns) // 16 % 2) + 90 * (rows % 2) * (columns % 2)
    )
    noise = (rows * rows * 31 + columns * columns * 17 + rows * columns * 7) % 23
    guide = np.stack([signal // 6, signal // 5, signal // 8], axis=2)
    return (signal + noise).astype(np.uint16), guide.astype(np.uint8)


def test_the_golden_payload_decodes_on_this_machine():
    samples, guide = golden_picture()

    assert np.array_equal(decode_exact(base64.b85decode(GOLDEN), guide), samples)


def test_damage_never_crashes_and_never_changes_a_sample():
    samples, guide = photograph((40, 44))
    content = encode_exact(samples, (2, 2), guide)

    for length in (*range(20), *range(20, len(content), 97), len(content) - 1):
        with pytest.raises(DamagedSidecarError):
            decode_exact(content[:length], guide)
    for at in (*range(60), *range(60, len(content), 41)):
        damaged = content[:at] + bytes([content[at] ^ 1 << at % 8]) + content[at + 1 :]
        assert is_refused_or_read(damaged, guide, samples)


def is_refused_or_read(content: bytes, guide: np.ndarray, samples: np.ndarray) -> bool:
    """Some bits decide nothing: how a code of the guide counts that never occurs."""
    try:
        return np.array_equal(decode_exact(content, guide), samples)
    except DamagedSidecarError:
        return True


@given(st.binary(max_size=60))
def test_noise_is_refused_or_read_without_a_crash(content):
    try:
        samples = decode_exact(content, None)
    except DamagedSidecarError:
        return
    assert samples.dtype == np.uint16


def test_a_head_that_promises_a_huge_picture_is_refused():
    content = bytearray(encode_exact(photograph((40, 44))[0], (2, 2), None))
    huge = bytes(content[:1]) + b"\xff\xff\x03\xff\xff\x01" + bytes(content[3:])

    with pytest.raises(DamagedSidecarError):
        decode_exact(huge, None)


def test_another_guide_is_noticed():
    samples, guide = photograph()
    content = encode_exact(samples, (2, 2), guide)
    other = guide.copy()
    other[70, 90] += 9

    for wrong in (other, None, guide[:-1]):
        with pytest.raises(DamagedSidecarError):
            decode_exact(content, wrong)


def test_what_is_no_picture_is_a_mistake():
    samples, guide = photograph()
    wrong = (
        (samples.astype(np.int32), guide, 0),
        (samples[:0], None, 0),
        (samples, guide[1:], 0),
        (samples, guide, -1),
        (samples, guide, exact.MOST_ERROR + 1),
    )
    for counts, picture, max_error in wrong:
        with pytest.raises(ValueError, match=r"samples|guide"):
            encode_exact(counts, (2, 2), picture, max_error)


def test_it_beats_a_general_compressor_by_far():
    samples, guide = photograph()

    assert 8 * len(zlib.compress(samples.tobytes(), 9)) / samples.size > 1.6 * n_bits(samples, guide)


GOLDEN = (
    "0Vpg10s;X60ssRA!UD4e0R_DRzy$#XtOC*n0R^1{xCH^U0tE;lKtMo1Kp+qZ1Ofp7fPjF2fdqsI2nYlM0RTV{1OWj71PBNO0"
    "s#PkKp+qZ2nZm60DuAT2rwWZK@cDyAP@)y0s#PkKtMo%KtMo1f<S<PfIuJ!0sw#@2!aFz1Ofp7fIuJ+2nYxeLI8jeAOryj0s"
    "ue|5Cj1LfDi%!0DwRc2mlZR0D%Gl0uT^E2#6pcARrJ31Ofp7fIuJ+2nZ1Z0s;a70DwRs2m%0rAVCNa5C{YU0RVtNAP^7`LI8"
    "jW0sw#@5I_h50Dur6AP52gKtKo}KmdRM$UuM)A^`yb0t6uf0s;X5fIuJ+2m}HG0s;a81Q0+#Kp+qZ0sw#@3J4Go5D*X$2m}H"
    "F0Dypj1OWgb2mpW}2mpZqfFK|c5D)<XfIvY2KmdRM7-0em0*(R$dg+&SbC0RNzp|Z$*|g}!93@l!Qs(+cCNs(>FhCb9#vcd2"
    "mgUr@s5g)RN|M`Y9D~ebpVm&lLuXF<gYBIoUaKgu$ROsCzlBdL7Mr&nk+Z|mS7Be*N_DHG^t07v{md)c6)e^W0L+yPcPYvpQ"
    "LbIq&<P<;$Lapaq;eJyR5_iV9C>x}S|n`TIM&nVa|?I!JuR6{c{A&3M$<pHw{G%Zd~VsJE^+ZZ3n0=#0o^hxi@?>Xzz#sQf@"
    "6IN8?r6nq76XVw5P%zyGy6Di%SCGqXh)4QA6unweb?1RV}ky64qV6CTuKd<2X{vbcRxr8@@LRd&%3KG-g-?*xI5Z6Ku}JeG$"
    "_DJ`jKa000000000000000001+<|Ns910D=G=|NsC0|Np>(1R)X<krEJ^NW_F7fr0=3|NsC00vs;e^lIc}q^qbxOgQ%k0000"
    "Ze7crp!DN#N0~MNC?8KF*(WG5#DrUO+8Ur>W2x(rVhi5;}rm*O7vF;e&9lR)qfpYz3ZyuBi8w^d0Z7Ah^mUMRdv3h9gzgAGb"
    "tiF9i+YBDu3$Kz~F8MaJE$~Gui$_i=-v?JA?~_aNT+3Yp%CAFB#FE!lWY&^H{K{qn^&;%|4?WOTS3!|f4N);@W_?lW{>(ze#"
    ">ml!^NR^DV292LWIYM%%QpU@SI@8}Akz~S@O1L?AD6Yh7^*o~-Z>>eJaYoEMo<AI@|a*C#bpbGyTy$(N;4%71?8f62c5v}^y"
    "<GVz?m%K<Q9};+CZs8kg#~_@Z?_x=cezb5$L5ovY#{a_5{!m;@`+NpZ)q}gR)e!D;=(0+0uh9=`|{<B<NeEJE&G7{g%hGP6t"
    "8o8s<J$ae%2TIY9^QQkXrYKCmuTXWf^@M~0_+erdgd93{v;UlJfNlYD%NSrdn8o+Zx$<+orv<sBV7y%2#OSHAQ!5KE-pqg56"
    "#-;NsN%v*COh<XEiUB`AppA3jJdbvj;MS$}g<~$;ne^44nomFso1VV!5sRaJTnRrsF2g+t+eoHGfSPz(U@ik>!Cg3kMzWCCJ"
    "(sm4Xl9vpTAVsf9c-gF_B1#QliLKyicHc<9L0%KqjbAy&AJ7j@<;=#FPRw@_svOZPaC?&$+`U|rl!aGwD+N5XH16*)Dp|Y0A"
    "y#q>TVp&}8Iyc-_Ro6;cP-5CwU%$8%Amlx_{n^!$sf!3Sy>WSp}%kH*_L3bfhjo;dspHDBTtW#n8A~O=ZOY?V@mmh-LLJCt#"
    "YQ0G<Sw$uMmXMO0gA0DJ$P}-PqiiI+D_i{yAVhUal-eD5JYx9q6$45viRg@zalw=cBVVFIe9dT4LPc`uPYUpX@f-$aLR12_M"
    "$2Ey{EAgJ?GYIEY%C>oD8EHHzgVz+8UInQruj$&CCcRFQ4G*sdCX!6JH8Xi}hsiv@bIu((<8kaNOR5-?7O7hUi=8cgNFz7=x"
    "jJU?9+QzX98*ab6YnM^4L5gFlT82nnxlNzfCe-ofq{Zt@iY+{0I5Y9W{kfLU<ZSo_1hMV-H#MGAfdFe@5c*WUH<2*lo-Bo^C"
    "FMx>NRo@gVdLArEB)k#8hwlIZj64~G`6cRQ7s3XlRL(yP1*q)Qxd(HvwRv5|dH~My?xTyu`7aqB4?HNC98X*tt;2B>>aU0SR"
    "=q~rY{rtj?^0&1QB)3+|IpF2B1Qqa7A;Z2B?HrRdlo{9^6d}0cfxxv>LAc;DX((>pu%7%v#Z@N7R8Cq6r&CgEl-K2qoan<KX"
    "G8edkPd=YbtmbvJR#JfEevG7y"
)
