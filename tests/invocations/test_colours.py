"""Colours of terminals: what is kept, what is taken out, and that all of it can be read."""

import re
from pathlib import Path

import pytest
from django.urls import reverse
from hypothesis import given
from hypothesis import strategies as st

from assistant.invocations.rules.colours import NAMES, Span, Style, plain, spans
from assistant.invocations.templatetags.outputs import coloured
from tests.invocations.factories import ran, report, started, target_of

RED = Style(ink="red")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("as it is", [Span("as it is")]),
        ("\x1b[31mred\x1b[0m not", [Span("red", RED), Span(" not")]),
        ("\x1b[31mred\x1b[m not", [Span("red", RED), Span(" not")]),
        ("\x1b[1;31mboth", [Span("both", Style(ink="red", is_bold=True))]),
        ("\x1b[1mb\x1b[22mn", [Span("b", Style(is_bold=True)), Span("n")]),
        ("\x1b[91mbright\x1b[39m.", [Span("bright", Style(ink="bright-red")), Span(".")]),
        ("\x1b[41mon", [Span("on", Style(fill="red"))]),
        ("\x1b[38;5;9mpalette", [Span("palette", Style(ink="bright-red"))]),
        ("\x1b[38;5;200;1mbeyond", [Span("beyond", Style(is_bold=True))]),
        ("\x1b[38;2;1;31;41mtrue colour", [Span("true colour")]),
        ("\x1b[38mnothing said", [Span("nothing said")]),
        ("\x1b[99999999999999mmuch", [Span("much")]),
        ("a\x1b[2Kb\x1b[10;3Hc\x1b[?25l", [Span("a"), Span("b"), Span("c")]),
        ("\x1b]0;a title\x07then", [Span("then")]),
        ("\x1b]8;;https://example.org\x1b\\a link\x1b]8;;\x1b\\", [Span("a link")]),
        ("cut off \x1b[3", [Span("cut off ")]),
        ("cut off \x1b", [Span("cut off ")]),
        ("a\bb\x07c\x9bd\x00", [Span("abcd")]),
        ("one\r\ntwo\r\r\nthree", [Span("one\ntwo\nthree")]),
        ("10 %\r20 %\tdone", [Span("10 %\n20 %\tdone")]),
        ("\x1b[31m\x1b[0m", []),
    ],
)
def test_styles_are_kept_and_everything_else_is_taken_out(text, said):
    assert list(spans(text)) == said
    assert plain(text) == "".join(span.text for span in said)


@given(st.text(alphabet=st.characters(codec="utf-8") | st.sampled_from("\x1b[]m;0123 \r\x07\x9b")))
def test_no_text_brings_a_control_character_or_markup_onto_a_page(text):
    shown = coloured(text)

    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]", shown)
    assert "<" not in re.sub(r'<span class="ansi"( data-\w+="[a-z-]*"){3}>|</span>', "", shown)


@pytest.mark.django_db
def test_a_page_shows_colours_and_escapes_what_is_in_them(olga, as_operator):
    target = started(target_of(ran(olga)))
    report(target, body=b"\x1b[32m<b>ok</b>\x1b[0m\n")

    page = as_operator.get(
        reverse("invocations:target_detail", args=[target.invocation_id, target.instance_id])
    )

    assert (
        'data-colour="green" data-weight="" data-fill="">&lt;b&gt;ok&lt;/b&gt;</span>'
        in page.content.decode()
    )
    assert "\x1b" not in page.content.decode()


# --- Contrast ---

TOKENS = (Path(__file__).parents[2] / "static/css/tokens.css").read_text()
COLOURS = [f"ansi-{bright}{name}" for bright in ("", "bright-") for name in NAMES]
SURFACES = ["surface", "surface-raised", "surface-sunken"]


def token(name, theme):
    return re.search(rf"--{name}: light-dark\((#\w+), (#\w+)\)", TOKENS)[theme]


def luminance(colour):
    parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    red, green, blue = (one / 12.92 if one <= 0.04045 else ((one + 0.055) / 1.055) ** 2.4 for one in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize("theme", [1, 2], ids=["light", "dark"])
@pytest.mark.parametrize("surface", SURFACES)
@pytest.mark.parametrize("colour", COLOURS)
def test_every_colour_can_be_read_on_every_surface(colour, surface, theme):
    darker, lighter = sorted([luminance(token(colour, theme)), luminance(token(surface, theme))])

    assert (lighter + 0.05) / (darker + 0.05) >= 4.5
