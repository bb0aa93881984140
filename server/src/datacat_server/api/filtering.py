"""The shared filter as query parameters, for every call that is about sessions."""

from typing import Annotated

from litestar.di import NamedDependency, Provide
from litestar.params import QueryParameter, SkipValidation

from datacat_server.api.errors import BadRequest
from datacat_server.api.moments import INSTANT
from datacat_server.filters import LONGEST_CONDITION, LONGEST_Q, MOST_CONDITIONS, STATUSES, Filter, parse_filter

FILTER = "filter"
"""The name under which a handler takes the filter: `filter: FilterDependency`."""

FilterDependency = NamedDependency[SkipValidation[Filter]]

_CONDITIONS = {
    "items": {"type": "string", "pattern": r"^([^\\:]|\\[\s\S])*:|^$", "maxLength": LONGEST_CONDITION},
    "maxItems": MOST_CONDITIONS,
}
_OF_STATE = (
    "Takes `path:value`, such as `window_state.open:true`; a value that is no JSON is text. May be repeated, at most"
    f" {MOST_CONDITIONS} times: all hold."
)


def filter_of(
    product: Annotated[str | None, QueryParameter(description="The product, exactly.")] = None,
    version: Annotated[str | None, QueryParameter(description="The version, exactly.")] = None,
    machine: Annotated[str | None, QueryParameter(description="The machine's id or its name, exactly.")] = None,
    status: Annotated[
        str | None,
        QueryParameter(
            description="What sessions are, or had: any hang, one that is over, one in which they ended or crashed.",
            schema_extra={"enum": ["", *STATUSES]},
        ),
    ] = None,
    start: Annotated[
        str | None,
        QueryParameter(
            name="from",
            description=f"Created then or later: {INSTANT}",
        ),
    ] = None,
    end: Annotated[str | None, QueryParameter(name="to", description="Created before. Like `from`.")] = None,
    q: Annotated[
        str | None,
        QueryParameter(
            description="Each of these words, or text in quotes, is in the id, product, version, machine, reason or "
            "the title, place or message of one of its problems (crash, hang, exception), in whatever case.",
            max_length=LONGEST_Q,
        ),
    ] = None,
    state_now: Annotated[
        list[str] | None,
        QueryParameter(name="state", description=f"The state is so now. {_OF_STATE}", schema_extra=_CONDITIONS),
    ] = None,
    state_ever: Annotated[
        list[str] | None, QueryParameter(description=f"The state was ever so. {_OF_STATE}", schema_extra=_CONDITIONS)
    ] = None,
    contains: Annotated[
        list[str] | None,
        QueryParameter(description=f"An array of the state contains it now. {_OF_STATE}", schema_extra=_CONDITIONS),
    ] = None,
    ever_contains: Annotated[
        list[str] | None,
        QueryParameter(description=f"An array of the state ever contained it. {_OF_STATE}", schema_extra=_CONDITIONS),
    ] = None,
) -> Filter:
    """The filter that a request asks with. Raises BadRequest, which names the parameter."""
    said = {"product": product, "version": version, "machine": machine, "status": status, "from": start, "to": end}
    pairs = [(name, text) for name, text in (*said.items(), ("q", q)) if text is not None]
    several = {"state": state_now, "state_ever": state_ever, "contains": contains, "ever_contains": ever_contains}
    for name, texts in several.items():
        if len(texts or ()) > MOST_CONDITIONS:
            raise BadRequest(f"{name}: is there more than {MOST_CONDITIONS} times; ask for fewer")  # empty ones too
        pairs += [(name, text) for text in texts or ()]
    try:
        return parse_filter(pairs)
    except ValueError as error:
        raise BadRequest(str(error)) from None


provide_filter = Provide(filter_of, sync_to_thread=False)
