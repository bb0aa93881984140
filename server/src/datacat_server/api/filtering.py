"""The shared filter as query parameters, for every call that is about sessions."""

from typing import Annotated

from litestar.di import NamedDependency, Provide
from litestar.params import QueryParameter, SkipValidation

from datacat_server.api.errors import BadRequest
from datacat_server.filters import NAMES, Filter, parse_filter

FILTER = "filter"
"""The name under which a handler takes the filter: `filter: FilterDependency`."""

FilterDependency = NamedDependency[SkipValidation[Filter]]

FILTER_PARAMETERS = frozenset(NAMES)

_OF_STATE = (
    "Takes `path:value`, such as `window_state.open:true`; a value that is no JSON is text. May be repeated: all hold."
)


def filter_of(
    product: Annotated[str | None, QueryParameter(description="The product, exactly.")] = None,
    version: Annotated[str | None, QueryParameter(description="The version, exactly.")] = None,
    machine: Annotated[str | None, QueryParameter(description="The machine's id or its name, exactly.")] = None,
    status: Annotated[
        str | None,
        QueryParameter(
            description="active, suspended, hung, crashed, ended; ever_hung, hung_recovered, hung_ended, hung_crashed."
        ),
    ] = None,
    start: Annotated[
        str | None, QueryParameter(name="from", description="Created then or later: RFC 3339 or a date, UTC.")
    ] = None,
    end: Annotated[
        str | None, QueryParameter(name="to", description="Created before: RFC 3339 or a date, UTC.")
    ] = None,
    q: Annotated[
        str | None,
        QueryParameter(description="Part of the id, product, version, machine or reason, in whatever case."),
    ] = None,
    state_now: Annotated[
        list[str] | None, QueryParameter(name="state", description=f"The state is so now. {_OF_STATE}")
    ] = None,
    state_ever: Annotated[list[str] | None, QueryParameter(description=f"The state was ever so. {_OF_STATE}")] = None,
    contains: Annotated[
        list[str] | None, QueryParameter(description=f"An array of the state contains it now. {_OF_STATE}")
    ] = None,
    ever_contains: Annotated[
        list[str] | None, QueryParameter(description=f"An array of the state ever contained it. {_OF_STATE}")
    ] = None,
) -> Filter:
    """The filter that a request asks with. Raises BadRequest, which names the parameter."""
    said = {"product": product, "version": version, "machine": machine, "status": status, "from": start, "to": end}
    pairs = [(name, text) for name, text in (*said.items(), ("q", q)) if text is not None]
    several = {"state": state_now, "state_ever": state_ever, "contains": contains, "ever_contains": ever_contains}
    pairs += [(name, text) for name, texts in several.items() for text in texts or ()]
    try:
        return parse_filter(pairs)
    except ValueError as error:
        raise BadRequest(str(error)) from None


provide_filter = Provide(filter_of, sync_to_thread=False)
