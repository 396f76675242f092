"""Numbers in a card's text: read, judged, and written the same way."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from verify.agreement import agree, fillers
from verify.numbers import Unreadable, read, read_question
from verify.values import Incomparable, Spread, Value, portray
from verify.writing import Unwritable, write


@pytest.mark.parametrize(
    ("text", "number", "quantum"),
    [
        ("294,912", "294912", "1"),
        ("1_000", "1000", "1"),
        ("294\u2009912", "294912", "1"),
        ("294\u202f912", "294912", "1"),
        ("8.7×", "8.7", "0.1"),
        ("8.70x", "8.7", "0.01"),
        ("71.8 %", "0.718", "0.001"),
        ("71.8%", "0.718", "0.001"),
        ("3.5 M", "3500000", "100000"),
        ("3.5M", "3500000", "100000"),
        ("12 k", "12000", "1000"),
        ("7 B parameters", "7000000000", "1000000000"),
        ("2.1 G MACs", "2100000000", "100000000"),
        ("2.1 GMACs", "2100000000", "100000000"),
        ("125 TFLOP/s", "125e12", "1e12"),
        ("1.2e-7", "1.2e-7", "1e-8"),
        ("1.2 × 10⁻⁷", "1.2e-7", "1e-8"),
        ("1.2 × 10^-7", "1.2e-7", "1e-8"),
        ("4.8 × 10^{11}", "4.8e11", "1e10"),
        ("4.2 ms", "0.0042", "0.0001"),
        ("4.2 µs", "0.0000042", "0.0000001"),
        ("4.2 us", "0.0000042", "0.0000001"),
        ("98 MB", "98000000", "1000000"),
        ("2 KiB", "2048", "1024"),
        ("≈ 2×", "2", "1"),
        ("~2×", "2", "1"),
        ("< 0.1 %", "0.001", "0.001"),
        ("−3.1", "-3.1", "0.1"),
        ("-3.1", "-3.1", "0.1"),
        ("13.9 dB", "13.9", "0.1"),
        ("1,024 pixels", "1024", "1"),
        ("25/36", "25/36", "0"),
        ("1.2×10⁶", "1.2e6", "1e5"),
        ("1.2·10⁶", "1.2e6", "1e5"),
        ("2^-25", Fraction(1, 2**25), "0"),
        ("2^{-25}", Fraction(1, 2**25), "0"),
        ("2⁻²⁵", Fraction(1, 2**25), "0"),
        ("2^10", 1024, "0"),
        ("10⁻⁷", "1e-7", "1e-7"),
        ("≈ 10^-7", "1e-7", "1e-7"),
        ("2²⁰ bytes", 2**20, "0"),
        ("$2^{-25}$", Fraction(1, 2**25), "0"),
        ("$-2^{7}$", -128, "0"),
        ("≈ $2^{-25}$", Fraction(1, 2**25), "0"),
        (r"$\approx 2^{-25}$", Fraction(1, 2**25), "0"),
        (r"$1.2 \cdot 10^6$", "1.2e6", "1e5"),
        (r"$1.20 \times 10^{-7}$", "1.2e-7", "1e-9"),
        (r"$1.2\cdot10^{6}$ weights", "1.2e6", "1e5"),
        (r"$294{,}912$", "294912", "1"),
        (r"$294\,912$", "294912", "1"),
        (r"$\frac{1}{9}$", "1/9", "0"),
        (r"$\tfrac19$", "1/9", "0"),
        (r"$-\dfrac{25}{36}$", "-25/36", "0"),
        (r"$25/36$", "25/36", "0"),
        (r"$8.7\times$", "8.7", "0.1"),
        (r"$71.8\,\%$", "0.718", "0.001"),
        (r"$< 0.1\%$", "0.001", "0.001"),
        (r"$\le 0.1$", "0.1", "0.1"),
        (r"$4.2\,\mathrm{ms}$", "0.0042", "0.0001"),
        (r"$4.2~\mu\text{s}$", "0.0000042", "0.0000001"),
        (r"$3.5\,\text{GMACs}$", "3.5e9", "1e8"),
        ("3 TB/s", "3e12", "1e12"),
        ("1.5 GB/ms", "1.5e12", "1e11"),
        ("989 TFLOPS", "989e12", "1e12"),
        ("4 TOPS/W", "4e12", "1e12"),
        ("1.98 GHz", "1.98e9", "1e7"),
        ("350 mJ", "0.35", "0.001"),
        ("2 Mbit/s", "2e6", "1e6"),
        ("80 GiB", 80 * 1024**3, 1024**3),
        ("3 min", "180", "60"),
    ],
)
def test_a_number_is_read_as_people_mean_it(text: str, number: str | int, quantum: str | int) -> None:
    written = read(text)
    assert written.number == Fraction(number)
    assert written.quantum == Fraction(quantum)


@pytest.mark.parametrize(
    ("text", "low", "high"),
    [
        ("1.9–2.1×", "1.85", "2.15"),
        ("1.9 – 2.1 ×", "1.85", "2.15"),
        ("1.9×–2.1×", "1.85", "2.15"),
        ("96.7–97.5 %", "0.9665", "0.9755"),
        ("3–5 M", "2.5e6", "5.5e6"),
        ("−3–2", "-3.5", "2.5"),
        ("≈ 10–20", "9.5", "20.5"),
        ("1/9–1/4", "1/9", "1/4"),
        ("2⁻²⁵–2⁻²³", Fraction(1, 2**25), Fraction(1, 2**23)),
        ("$1.9–2.1$", "1.85", "2.15"),
        (r"$1.9\text{–}2.1\times$", "1.85", "2.15"),
        (r"$1.2\cdot10^{6}–1.4\cdot10^{6}$", "1.15e6", "1.45e6"),
    ],
)
def test_a_range_reaches_half_a_digit_beyond_its_ends(text: str, low: str, high: str) -> None:
    written = read(text)
    half = written.quantum / 2
    assert (written.number - half, written.number + half) == (Fraction(low), Fraction(high))


def test_a_written_number_remembers_how_it_was_written() -> None:
    written = read("≈ 1,024.50 ms")
    assert (written.bound, written.decimals, written.significant) == ("≈", 2, 6)
    assert (written.grouping, written.suffix, written.unit) == (",", " ms", "s")


@pytest.mark.parametrize(
    "text",
    [
        *(
            "",
            "?",
            "many",
            "1.",
            ".5",
            "1,24",
            "12,3456",
            "1.2.3",
            "3 ± 1",
            "3-5",
            "64×55×55",
            "3 × 10",
            "4 × 105",
        ),
        *("1/0", "1 234", "$3", "INT8", "1e9999999999", "--1", "٣", "9" * 5000, "1^5", "2^", "2^{3", "2^3}"),
        *("3–1", "3–", "–3", "1–2–3", "1.9×–2.1 ms", "3 to 5", "< 3–5", "2⁻²⁵⁰⁰⁰⁰"),
        *(
            "$",
            "$$",
            "$3$ $4$",
            "$294,912$",
            "$x = 3$",
            "$3 + 4$",
            "$1.2 \\cdot 10^67$",
            "$\\frac{1}{0}$",
            "$2^{-25$",
        ),
        *("$n$", "$3x$", "$3 \\cdot 4$", "$10^-7$", "$\\pi$", "\\frac{1}{9}", "1.2 \\cdot 10^6"),
    ],
)
def test_what_is_not_one_number_is_refused(text: str) -> None:
    with pytest.raises(Unreadable, match="states no number"):
        read(text)


def measured(low: float, high: float, unit: str = "") -> Value:
    return portray(Spread((low + high) / 2, low, high, unit=unit))


SAVING = Fraction(294912, 33920)


@pytest.mark.parametrize(
    ("text", "value", "state"),
    [
        ("294,912", portray(294912), "holds"),
        ("294,913", portray(294912), "changed"),
        ("0.3 M", portray(294912), "holds"),
        ("0.2 M", portray(294912), "changed"),
        ("8.7×", portray(SAVING), "holds"),
        ("8.69×", portray(SAVING), "holds"),
        ("8.6×", portray(SAVING), "changed"),
        ("9×", portray(SAVING), "holds"),
        ("25/36", portray(Fraction(25, 36)), "holds"),
        ("25/36", portray(25 / 36), "holds"),
        ("25/37", portray(25 / 36), "changed"),
        ("0.28", portray(0.285), "holds"),
        ("0.29", portray(0.285), "holds"),
        ("0.3", portray(0.1 + 0.15), "holds"),
        ("1,230", portray(1234.5), "holds"),
        ("1,240", portray(1234.5), "changed"),
        ("1,231", portray(1234.5), "changed"),
        ("1,230", portray(1234), "changed"),
        ("−3.1", portray(-3.14), "holds"),
        ("3.1", portray(-3.14), "changed"),
        ("< 0.1 %", portray(0.0007), "holds"),
        ("< 0.1 %", portray(0.001), "changed"),
        ("≤ 0.1 %", portray(Fraction(1, 1000)), "holds"),
        ("> 2×", portray(2.1), "holds"),
        ("≥ 3", portray(2.9), "changed"),
        ("≈ 2×", portray(2.1), "holds"),
        ("36 bytes", portray(36), "holds"),
        ("7 B", portray(7_000_000_000), "holds"),
        ("7 B", measured(6, 8, "bytes"), "holds"),
        ("71.8 %", measured(0.716, 0.722), "holds"),
        ("71.5 %", measured(0.716, 0.722), "changed"),
        ("71.80 %", measured(0.716, 0.722), "unstable"),
        ("71.8 %", measured(71.6, 72.2, "%"), "holds"),
        ("< 73 %", measured(0.716, 0.722), "holds"),
        ("< 72 %", measured(0.716, 0.722), "changed"),
        ("4.2 ms", measured(0.0041, 0.0043, "s"), "holds"),
        ("4200 µs", measured(0.0041, 0.0043, "s"), "holds"),
        ("4210 µs", measured(0.0041, 0.0043, "s"), "unstable"),
        ("110 ms", measured(0.104, 0.119, "s"), "holds"),
        ("110 ms", measured(0.116, 0.131, "s"), "changed"),
        ("111 ms", measured(0.104, 0.119, "s"), "unstable"),
        ("100", measured(70, 120), "holds"),
        ("100", measured(-500, 600), "unstable"),
        ("110", measured(100.4, 109.2), "changed"),
        ("0", measured(-30, 30), "unstable"),
        ("1/9", portray(Fraction(1, 9)), "holds"),
        ("1/9", portray(1 / 9), "holds"),
        ("1/9", portray(0.1111), "changed"),
        ("≈ 1/9", portray(0.1111), "holds"),
        ("≈ 1/9", portray(0.2), "changed"),
        ("7/10", measured(0.6, 0.8), "unstable"),
        ("2^-25", portray(2.0**-25), "holds"),
        ("2^-25", portray(2.0**-25 * 1.001), "changed"),
        ("2^-24", portray(2.0**-25), "changed"),
        ("≈ 2^-25", portray(3.1e-8), "holds"),
        ("≈ 2^-25", portray(4.5e-8), "changed"),
        ("≈ 2^-25", portray(-3.1e-8), "changed"),
        ("< 10⁻⁷", portray(3.1e-8), "holds"),
        ("10⁻⁷", portray(1.4e-7), "holds"),
        ("10⁻⁷", portray(1.6e-7), "changed"),
        ("≈ 10⁻⁷", portray(3.1e-7), "holds"),
        ("≈ 10⁻⁷", portray(3.2e-7), "changed"),
        ("$2^{-25}$", portray(2.0**-25), "holds"),
        (r"$1.2 \cdot 10^6$", portray(1_234_567), "holds"),
        (r"$1.3 \cdot 10^6$", portray(1_234_567), "changed"),
        (r"$0.33$", portray(Fraction(1, 3)), "holds"),
        (r"$\frac13$", portray(Fraction(1, 3)), "holds"),
        (r"$0.7698$", portray(4 / 3**1.5), "holds"),
        ("1.9–2.1×", portray(2.14), "holds"),
        ("1.9–2.1×", portray(2.16), "changed"),
        ("1.9–2.1×", measured(1.9, 2.1), "holds"),
        ("1.9–2.1×", measured(1.8, 2.1), "changed"),
        ("1–3 ms", measured(0.0011, 0.0029, "s"), "holds"),
        ("1.5 GB", measured(1.49, 1.51, "GB"), "holds"),
        ("1,500 MB", measured(1.4999, 1.5001, "GB"), "holds"),
        ("4.2 ms", measured(4.19, 4.21, "ms"), "holds"),
        ("4.2 ms/image", measured(0.0042, 0.0042, "s/image"), "holds"),
        ("4.2 ms per image", measured(0.0042, 0.0042, "s"), "holds"),
        ("3.3 TB/s", measured(3.31e12, 3.31e12, "bytes/s"), "holds"),
        ("3.3 GB/ms", measured(3.31e12, 3.31e12, "bytes/s"), "holds"),
        ("125 TFLOP/s", measured(1.25e14, 1.25e14, "FLOP/s"), "holds"),
        ("125 TFLOPS", portray(125e12), "holds"),
        ("206 FLOP/byte", measured(206, 206, "FLOP/byte"), "holds"),
        ("1.98 GHz", measured(1.98e9, 1.98e9, "Hz"), "holds"),
        ("50 W", portray(50), "holds"),
        ("0.2 kW", measured(200, 200, "W"), "holds"),
        ("120 images/s", portray(120), "holds"),
        ("8 bits", portray(8), "holds"),
    ],
)
def test_a_text_holds_while_the_value_reads_the_same(text: str, value: Value, state: str) -> None:
    assert agree(read(text), value).state == state


def test_an_unstable_text_is_told_how_many_digits_the_value_carries() -> None:
    assert agree(read("71.80 %"), measured(0.716, 0.722)).digits == 3


@pytest.mark.parametrize(
    ("text", "value", "message"),
    [
        ("4.2 ms", portray(0.0042), '"4.2 ms" is in ms, and the value has no unit; give the value its unit'),
        ("98 MB", portray(98 * 10**6), 'as in quantity(x, "bytes")'),
        ("4.2 ms", measured(1, 2, "bytes"), '"4.2 ms" is in ms, and the value in bytes'),
        ("3.3 TB/s", measured(1, 2, "bytes"), '"3.3 TB/s" is in TB/s, and the value in bytes'),
        ("1.98 GHz", portray(1.98e9), 'as in quantity(x, "Hz")'),
        ("5 min", portray(300), 'as in quantity(x, "s")'),
        ("12 k", measured(1, 2, "s"), "write the unit inside the brackets, as in 4.2 ms"),
        ("12 %", measured(1, 2, "J"), "as in 4.2 J"),
        ("4.2", measured(1, 2, "s"), 'the value is in s, and "4.2" states no unit; write the unit inside'),
    ],
)
def test_a_unit_that_only_one_side_has_is_refused(text: str, value: Value, message: str) -> None:
    with pytest.raises(Unreadable) as refusal:
        agree(read(text), value)
    assert message in str(refusal.value)


@pytest.mark.parametrize("thing", [True, "faster"])
def test_words_do_not_agree_with_numbers(thing: object) -> None:
    with pytest.raises(Incomparable, match="is no number"):
        agree(read("3"), portray(thing))


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (portray(294912), "294,912"),
        (portray(999), "999"),
        (portray(-7), "−7"),
        (portray(0), "0"),
        (portray(10**18), "1,000,000,000,000,000,000"),
        (portray(SAVING), "8.69"),
        (portray(0.0412), "0.0412"),
        (portray(97.234), "97.2"),
        (portray(1234.5), "1,230"),
        (portray(0.9999), "1.00"),
        (portray(0.00001234), "1.23e-5"),
        (portray(1e20), "1.00e20"),
        (portray(0.0), "0"),
        (measured(0.716, 0.722), "0.719"),
        (measured(0.6, 0.8), "0.7"),
        (measured(8000, 16000), "12,000"),
        (measured(-2, 2.6), "0"),
        (measured(0.0041, 0.0043, "s"), "4.2 ms"),
        (measured(2e-6, 2e-6, "s"), "2.00 µs"),
        (measured(13.8, 14, "dB"), "13.9 dB"),
        (measured(3.312e12, 3.312e12, "bytes/s"), "3.31 TB/s"),
        (measured(1.25e14, 1.25e14, "FLOP/s"), "125 TFLOP/s"),
        (measured(1.98e9, 1.98e9, "Hz"), "1.98 GHz"),
        (measured(0.0351, 0.0351, "J/image"), "35.1 mJ/image"),
        (measured(0.0042, 0.0042, "s/image"), "4.20 ms/image"),
        (measured(5.5e-12, 5.5e-12, "s"), "5.50 ps"),
        (measured(10**6, 10**6, "bytes"), "1,000,000 bytes"),
        (portray("64×55×55"), "64×55×55"),
    ],
)
def test_a_question_mark_is_filled_in_with_what_the_value_carries(value: Value, text: str) -> None:
    assert write(value) == text


@pytest.mark.parametrize(
    ("value", "question", "text"),
    [
        (portray(0.71832), "? %", "71.8 %"),
        (portray(SAVING), "?×", "8.69×"),
        (portray(3_504_872), "? M", "3.50 M"),
        (portray(3_504_872), "≈ ?M parameters", "≈ 3.50M parameters"),
        (portray(1024), "? pixels", "1,024 pixels"),
        (measured(0.0041, 0.0043, "s"), "? µs", "4,200 µs"),
        (measured(98e6, 98e6, "bytes"), "? MB", "98.0 MB"),
        (portray(0.0007), "< ? %", "< 0.08 %"),
        (portray(294912), "?$", "$294{,}912$"),
        (portray(294912), "$?$ weights", "$294{,}912$ weights"),
        (portray(0.5), r"≈ $?\,\%$", r"≈ $50.0\,\%$"),
        (portray(0.07), "$< ?$", "$< 0.08$"),
        (measured(0.0041, 0.0043, "s"), "$?$", r"$4.2\,\text{ms}$"),
        (portray(2.98e-8), "?$", r"$2.98 \cdot 10^{-8}$"),
        (measured(0.0041, 0.0043, "s"), "?$", r"$4.2\,\text{ms}$"),
        (measured(1.823, 2.157), "?–?×", "1.82–2.16×"),
        (measured(1.823, 2.157), "?–?", "1.82–2.16"),
        (measured(0.0041, 0.0043, "s"), "? – ?", "4.10 – 4.30 ms"),
        (portray(2.5), "?–?×", "2.50×"),
    ],
)
def test_a_question_may_name_the_unit_of_its_answer(value: Value, question: str, text: str) -> None:
    assert write(value, read_question(question)) == text


@pytest.mark.parametrize("text", ["8.7×", "", "??", "? 3", "why?"])
def test_other_texts_ask_nothing(text: str) -> None:
    assert read_question(text) is None


@pytest.mark.parametrize(
    ("value", "before", "after"),
    [
        (portray(33920), "294,912", "33,920"),
        (portray(33920), "294912", "33920"),
        (portray(33920), "294_912", "33_920"),
        (portray(9.43), "8.7×", "9.4×"),
        (portray(123.4), "8.7×", "123×"),
        (portray(9), "8.7×", "9.0×"),
        (portray(0.0007), "< 0.1 %", "< 0.1 %"),
        (portray(0.0234), "< 0.1 %", "< 3 %"),
        (portray(1.5), "> 2×", "> 1×"),
        (portray(4.21e-9), "1.2 × 10⁻⁷", "4.2 × 10⁻⁹"),
        (portray(4.21e-9), "1.2e-7", "4.2e-9"),
        (portray(-2.5), "-3.1", "-2.5"),
        (portray(-2.5), "3.1", "−2.5"),
        (portray(Fraction(1, 3)), "25/36", "1/3"),
        (portray(1 / 3), "25/36", "0.333"),
        (measured(0.69, 0.71), "71.80 %", "70 %"),
        (measured(0.0030, 0.0032, "s"), "4.2 ms", "3.1 ms"),
        (portray(2**-20), "2^-25", "2^-20"),
        (portray(2**-20), "2⁻²⁵", "2⁻²⁰"),
        (portray(Fraction(1, 1024)), "$2^{-25}$", "$2^{-10}$"),
        (portray(-(2.0**-20)), "$2^{-25}$", "$-2^{-20}$"),
        (portray(3e-8), "2^-25", "3.00e-8"),
        (portray(3e-8), "$2^{-20}$", r"$3.00 \cdot 10^{-8}$"),
        (portray(3.1e-8), "≈ $2^{-20}$", "≈ $2^{-25}$"),
        (portray(1e-6), "10⁻⁷", "10⁻⁶"),
        (portray(4_321_000), r"$1.2 \cdot 10^6$", r"$4.3 \cdot 10^6$"),
        (portray(4.3e11), r"$1.2 \times 10^6$", r"$4.3 \times 10^{11}$"),
        (portray(33920), "$294{,}912$", "$33{,}920$"),
        (portray(Fraction(1, 3)), r"$\frac{1}{9}$", r"$\frac{1}{3}$"),
        (portray(Fraction(1, 3)), r"$\tfrac19$", r"$\tfrac{1}{3}$"),
        (portray(9.43), r"$8.7\times$", r"$9.4\times$"),
        (portray(0.5), r"$71.8\,\%$", r"$50.0\,\%$"),
        (measured(2.31, 2.58), "1.9–2.1×", "2.31–2.58×"),
        (measured(0.0031, 0.0052, "s"), "1.9–2.1 ms", "3.1–5.2 ms"),
        (measured(2.31, 2.58), r"$1.9\text{–}2.1\times$", r"$2.31\text{–}2.58\times$"),
        (portray(2.5), "1.9–2.1×", "2.5×"),
        (measured(3.1e12, 3.3e12, "bytes/s"), "900 GB/s", "3,200 GB/s"),
    ],
)
def test_a_changed_answer_is_written_as_the_author_wrote(value: Value, before: str, after: str) -> None:
    assert write(value, read(before)) == after


@pytest.mark.parametrize(
    "value", [portray(True), Value("figure"), measured(-400, 440), measured(-0.47, 1.41)]
)
def test_what_has_no_digits_to_write_is_refused(value: Value) -> None:
    with pytest.raises(Unwritable):
        write(value)


def test_a_formula_is_written_as_a_formula() -> None:
    assert write(Value("formula", formula=r"\frac{1}{K}")) == r"$\frac{1}{K}$"


EXACT = st.one_of(st.integers(-(10**12), 10**12), st.fractions(-1000, 1000, max_denominator=999)).map(portray)
FLOATS = st.floats(-1e18, 1e18).map(portray)
POWERS = st.integers(-60, 60).map(lambda power: portray(2.0**power))


@st.composite
def spreads(draw: st.DrawFn) -> Value:
    value = draw(st.floats(-1e9, 1e9))
    below, above = draw(st.floats(0, 1e6)), draw(st.floats(0, 1e6))
    return portray(Spread(value, value - below, value + above, timing=draw(st.booleans())))


@st.composite
def templates(draw: st.DrawFn) -> str:
    lead = draw(st.sampled_from(["", "", "≈ ", "~", "< ", ">", "≤ ", "≥ "]))
    sign = draw(st.sampled_from(["", "-", "−", "+"]))
    digits = draw(
        st.sampled_from(
            [
                "?",
                "0",
                "8.7",
                "294,912",
                "1_000",
                "0.00123",
                "1,230",
                "40",
                "25/36",
                "1.20",
                "1200",
                "2^-25",
                "10⁻⁷",
                "3^{4}",
            ]
        )
    )
    bare = digits.startswith(("?", "25/36", "2^", "10⁻", "3^"))
    power = "" if bare else draw(st.sampled_from(["", "", "e-7", " × 10⁻⁷", " × 10^5", "·10^{5}"]))
    return (
        lead + sign + digits + power + draw(st.sampled_from(["", "×", " %", "%", " M", "k", " dB", " GMACs"]))
    )


@st.composite
def math_templates(draw: st.DrawFn) -> str:
    lead = draw(st.sampled_from(["$", "$", "≈ $", "$<", r"$\geq ", r"$ \approx"]))
    digits = draw(
        st.sampled_from(["8.7", "294{,}912", r"1\,000", "1200", r"\frac{25}{36}", r"\tfrac19", "2^{-25}"])
    )
    power = (
        ""
        if "frac" in digits or "^" in digits
        else draw(st.sampled_from(["", r" \cdot 10^{-7}", r"\times10^5"]))
    )
    suffix = draw(
        st.sampled_from(["$", r"\times$", r"\,\%$", r"\,\text{MACs}$", r"\ \mathrm{GMACs} $", "$ weights"])
    )
    return lead + draw(st.sampled_from(["", "-"])) + digits + power + suffix


@st.composite
def range_templates(draw: st.DrawFn) -> str:
    ends = draw(st.sampled_from(["1.9–2.1", "0 – 1", "1,200–1,300", "1e-7–2e-7", "-3–4", "1/9–1/4", "?–?"]))
    if draw(st.booleans()) and not set("?e ").intersection(ends):
        return (
            "$"
            + ends.replace("–", r"\text{–}").replace(",", "{,}")
            + draw(st.sampled_from(["$", r"\times$"]))
        )
    return draw(st.sampled_from(["", "≈ "])) + ends + draw(st.sampled_from(["", "×", " %", " M"]))


STYLES = st.one_of(templates(), math_templates(), range_templates(), st.just("?$"))


@given(st.one_of(EXACT, FLOATS, POWERS, spreads()), st.none() | STYLES)
def test_what_is_written_always_agrees_with_its_value(value: Value, template: str | None) -> None:
    like = None if template is None else read_question(template) or read(template)
    try:
        text = write(value, like)
    except Unwritable:
        assert value.kind in ("measured", "timing")
        return
    assert agree(read(text), value).state == "holds", text


@given(
    st.one_of(EXACT, FLOATS),
    st.sampled_from(
        [
            "8.7×",
            "71.82 %",
            "1.20e-7",
            "294,912",
            "1.2×10⁶",
            r"$1.2 \cdot 10^{6}$",
            r"$71.8\,\%$",
            "$294{,}912$",
        ]
    ),
    st.sampled_from([-1, 1]),
)
def test_one_more_or_less_in_the_last_digit_is_a_change(value: Value, template: str, step: int) -> None:
    text = write(value, read(template))
    written = read(text)
    assume(not fillers(written, value))
    gap = abs(written.number + step * written.quantum - value.exactly)
    assume(gap > written.quantum * Fraction(500_001, 1_000_000))
    digits = str(int(written.plain.replace(".", "")) + step * (-1 if written.sign in ("-", "−") else 1))
    assume(len(digits) == len(written.plain.replace(".", "")) and digits.isdigit())
    point = len(digits) - written.decimals
    moved = digits[:point] + ("." + digits[point:] if written.decimals else "")
    other = read(text.replace(written.digits, moved, 1))
    assume(not fillers(other, value))
    assert agree(other, value).state == "changed"


@given(st.one_of(EXACT, FLOATS, POWERS, spreads()), STYLES)
def test_writing_twice_changes_nothing_more(value: Value, template: str) -> None:
    try:
        once = write(value, read_question(template) or read(template))
    except Unwritable:
        return
    assert write(value, read(once)) == once


@pytest.mark.parametrize(
    ("text", "advice"),
    [
        ("$19.99", "leave '$' outside the brackets: $ [19.99](claim:…)"),
        ("about 25 %", "leave 'about' outside the brackets: about [25 %](claim:…)"),
        ("3,5", "write a decimal point; a comma groups thousands, as in 1,234,567"),
        ("1 234 567", "group thousands by commas: 1,234,567"),
        ("–3.5", "write a minus sign, −3.5, or a hyphen, -3.5"),
        ("**8.7×**", "leave the markup outside the brackets: **[8.7](claim:…)**"),
    ],
)
def test_a_text_that_is_nearly_a_number_gets_its_own_advice(text: str, advice: str) -> None:
    with pytest.raises(Unreadable) as refused:
        read(text)
    assert refused.value.hint == advice


def test_words_for_large_numbers_scale() -> None:
    assert agree(read("1.23 million"), portray(1_234_567)).state == "holds"
    assert write(portray(2_345_678), read("1.2 million")) == "2.3 million"
    assert agree(read("4 thousand"), portray(4_100.0)).state == "holds"


def test_a_quantity_has_a_unit_and_no_spread() -> None:
    from verify import quantity

    assert agree(read("4.2 ms"), portray(quantity(0.0042, "s"))).state == "holds"
    assert agree(read("1 MiB"), portray(quantity(2**20, "bytes"))).state == "holds"
