"""What machines say, on a page: `{% load outputs %}`."""

from django import template
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from assistant.invocations.rules.colours import PLAIN, Span, spans

register = template.Library()


@register.filter
def coloured(text: str) -> SafeString:
    """The text, escaped, with its colours and bold as spans and no other control character."""
    return format_html_join("", "{}", ((shown(span),) for span in spans(text)))


def shown(span: Span) -> str:
    style = span.style
    if style == PLAIN:
        return span.text
    return format_html(
        '<span class="ansi" data-colour="{}" data-weight="{}" data-fill="{}">{}</span>',
        style.colour,
        "bold" if style.is_bold else "",
        "true" if style.is_filled else "",
        span.text,
    )
