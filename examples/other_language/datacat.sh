# Functions for shell scripts that log to DataCat. Needs curl and datacat-daemon; what is called JSON is one JSON value.
#
#     . ./datacat.sh
#     datacat_begin PRODUCT VERSION            starts a daemon beside this script, which sees how the script ends
#     datacat_event NAME [LEVEL [JSON]]        that something happened, with what belongs to it
#     datacat_state JSON                       a patch of the state
#     datacat_gauge NAME NUMBER                what something is now
#     datacat_count NAME NUMBER                how much to add to a counter
#     datacat_heartbeat SECONDS                from now on a longer silence is a hang
#     datacat_end                              a clean end
#
# None of them fails the script: where there is no daemon, they do nothing.

datacat_begin() {
    _datacat_said=$(mktemp)
    datacat-daemon --port 0 >"$_datacat_said" 2>/dev/null &
    while ! grep -q http "$_datacat_said" && kill -0 $! 2>/dev/null; do sleep 0.05; done
    datacat_url=$(sed -n 's/.*\(http:[^ ]*\).*/\1/p' "$_datacat_said")
    rm -f "$_datacat_said"
    datacat_id=
    _datacat_post register "{\"parent_pid\": $$, \"product\": \"$1\", \"version\": \"$2\"}" || return 0
    datacat_id=$(printf %s "$_datacat_answer" | sed -n 's/.*"session_id": *"\([^"]*\)".*/\1/p')
}

datacat_event() { _datacat_log event "\"name\": \"$1\", \"level\": \"${2:-info}\", \"data\": ${3:-{\}}"; }
datacat_state() { _datacat_log state "\"state\": $1"; }
datacat_gauge() { _datacat_log metric "\"name\": \"$1\", \"type\": \"gauge\", \"value\": $2"; }
datacat_count() { _datacat_log metric "\"name\": \"$1\", \"type\": \"counter\", \"delta\": $2"; }
datacat_heartbeat() { _datacat_log heartbeat "\"timeout\": $1"; }
datacat_end() { _datacat_log end '"clean": true'; }

_datacat_log() {
    [ -z "$datacat_id" ] || _datacat_post "$1" "{\"session_id\": \"$datacat_id\", $2}" || :
}

_datacat_post() {
    _datacat_answer=$(curl -sSf -m 5 -H 'Content-Type: application/json' -d "$2" "$datacat_url/$1")
}
