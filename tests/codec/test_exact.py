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


@settings(max_examples=40)
@given(pictures(), CELLS, st.sampled_from([0, 0, 1, 40, 32767]))
def test_any_samples_come_back_within_the_bound(picture, cell_shape, max_error):
    samples, guide = picture
    back = decode_exact(encode_exact(samples, cell_shape, guide, max_error), guide)

    assert back.dtype == np.uint16
    assert back.shape == samples.shape
    assert np.abs(back.astype(int) - samples).max() <= max_error


@pytest.mark.parametrize("cell_shape", [(1, 1), (2, 2), (4, 4), (6, 6)])
def test_photographs_come_back_bit_for_bit(cell_shape):
    samples, guide = photograph(cell_shape=cell_shape)

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


def test_a_picture_of_one_value_is_a_few_bytes():
    samples = np.full((300, 400), 1023, np.uint16)
    content = encode_exact(samples, (2, 2), None)

    assert len(content) < 30
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
    "0Vpg10s;YhtOBP509^z!lIG--`lR~(5v;FiFH^EgRwGr(|N4@;|Ld>+*Vq65|NsC0|NsC0|NsC0|NsAA|Ng&UUti?c*Z*Jt|"
    "NsC0|Ngyy|Lgz%|NsB~-oLL}>uDv{NjjWFKtPZT1SU$=$u9N9SxF^TRY_G<RdQP_SRW_>0ssT50t661fdT{s1Ox&B0DwS1Kt"
    "O>41PDS15D*9i0s#PkKp-GO2nYxS0s#PkKp-F>LI?l|03QH=L<kT<5I}%{fIuJ+2m}NK2ta`W0t5&s5D*Xu1Ofp7fI$KT2nY"
    "xW1Ofp80RaLCf&hRJ2mpW(AOrw_ARq_?0sue=2m}ZM0RRF33<w~B0E7sLgd_+E2nYlM0RVtNKtO>65d;Vj5D*9i0s#PkKp;U"
    "7K!AWiAP@)y0s;aAAb=nO0DuqzKoA5003ZYe5Cj1LARq(;2mlZOV1fh!1qdL7h#){fKtLc62m}HG0t5&UAV7i;ARrJ31Ofp7"
    "fI$KT1Ox;G0s#PkKtMo&2tW`70sue=2mt_qfDj-M5D)<XKp-Fx1ONyC3<w}VKp=#K0*-zuEbc69Ffp-k8}3NW6Nv>-J?)gX("
    "b?6^z^<DnKUv${YszS?QmU%}AkL(;6B|NAH>GYcl$KNw`lVG~JOTE@Xlfp)cznHldg%pw$jS0DJ{z_fS?<Ymon=PJC$eBta4"
    "Ic77vypNtdZ%Gt7%jBW}+zG3Z?)}3Xh6wn~J$_*=r3z370t>B<e11?CIuf8vlGGY%gu7;x)^&WF*Tl==NXf9bk9^TnEd@)_G"
    "<MtIV1Y;gtyA{mw)~p0u-hp|G;1l>MRr#vp+f9q^;c;p5=e%B^2g$-A_Syo?swzDHj6Yu%NxX3y8S*z{l*ozb;Rzr5)d_RLS"
    ";(G{WDAP|56000000000000000001(;|Ns910D=G=|NsC0|Nr1Y0w9QqBPfv+VF)N7fdBvh|NsBsK%FD9mlXMe3?dOm2jvF<"
    "006h1U;qSIjm<#(dIM62EmKjd28+5?PilEzalNm{URUgVSq4e0mGI+{OClEIQ_<|mpZg|gjO{Y*s<B-fq&=i*z5lv2zDiTFY"
    "`jy<iW)IoF}q%$QK+58>>4YLLE2yY3Q`TI_y^_sOmHJHWj52x(F+<Gdl6q%N)&6n8U`jNITpnnh{FY6euY%cP@_Z*J^;tVtH"
    "&-da|cQMRx<)CYf6Xw)z9|;W|gBqE+^Fyg(7Id%+mk8t06bP@cn4>A;*aU-a~m#UcNu0dN>-hT=oW!!v}t{MZ~FyUdOq4JQK"
    "u@%EHOI>(FK$gsgH&htzv+uu*dI+YGjP5!VEAJKFX9&nV^xYRT?_h4o~2LcHeEP>SS0EqQ?_QP~Gg;j*wbe(hiXk~F`{pjA9"
    "oi9~(Z*R0^Dp~$d2I_F$6uVfK)*n|!3USuSy2*G^2#^8I^sw8`7ba+ftZUc=<r!ag5xz2Yus3p7cPjewhooV3h;1QLe!xm5K"
    "HVxp}FD;gHKmNJ$-Fb_W29T)lBT);t>I%UwE-60A%$(DvI<L0>PJYzJjmLswx0;Ik=3qzh3@n88NBJ^<8eUe{j@(Qrq$VRHT"
    "?-;@*Ha)7RArFF_q_$nE7(>o$n6|zou#obG_u_{yvoSnJ06@|q>|-6#$BF5Mqw?Kh;!71_;m|aRwaoDtCAFF)ZA34*Cmwa<%"
    "ICt2F^aVndF@KPjLL%`9QaWX`aBFWNMP;^i2kBYbq*?F3Zr;E!JmH_`G*Y85<fo48@>jNYMvDQ1kJqQ3s|RVgU9*FQyx|afr"
    "~mMU-7s>k4q^Zr#G^O!Cd&XDHkL#gcQ<Py@L=BwePl{8DEeA-qNzq+YQQyVMTKss3bQoo-+Q_@l46vd{Hn0Wp6^I_!n6gAOO"
    "Tc9x9S)l`GqNk=!i{QEg==<c5lNglpa*-40ODdKPznk)W_xy22(ELe186HnB2Pgq9rcl2nHXXBzL#=eSrdp1Rlz|Bu!ad8ni"
    "O5_0|{7^I!8xS*nTg>=^m4IrIgJ=P#Rh<jls96ae&PZcsil~Q^Mg3Wjx*5}7woL4L)uA8ihQ-VlrQa4O?|3kdU4A`}tY2dnI"
    "n(Kw&e~Bw?a)Ca2`tx6=Zxp(&#T;-lu`2)7q4fGioR7`ig?XCe+aav^$%D_NA~{IY?(GfRJrzrcM{@ziDg^DhStDi&!fgifL"
    "6{A&6n%k;@(YT!%IjFNo|zm0q0JUscf3ch=;2dX;<t?`JS>Nz>h{-eC0bxGlmE=5FVIN)Wm6he`?G>mU+pt_K7+}p)Kf+1OC"
    "nM80|C|"
)
