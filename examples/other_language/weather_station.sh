#!/bin/sh
# A weather station in shell, which logs by the functions of datacat.sh. The wind is the work of a small awk program.
#
#     sh weather_station.sh                a calm day
#     sh weather_station.sh storm          the mast breaks: the script fails
set -eu
. "$(dirname "$0")/datacat.sh"

datacat_begin "Weather Station" 1.2
[ -z "$datacat_id" ] || printf 'Session %s\nSee it: datacat show %.8s\n' "$datacat_id" "$datacat_id"
datacat_state '{"mast": {"up": true, "metres": 12}, "wind": 0}'
datacat_heartbeat 30

awk -v "weather=${1:-calm}" 'BEGIN {
    for (hour = 0; hour < 6; hour++) print hour, (weather == "storm" ? 9 + hour * 6 : 3 + hour % 3)
}' | while read -r hour wind; do
    datacat_gauge wind "$wind"
    datacat_count readings 1
    datacat_state "{\"hour\": $hour, \"wind\": $wind}"
    datacat_heartbeat 30
    if [ "$wind" -gt 30 ]; then
        datacat_event mast_broken critical "{\"wind\": $wind, \"hour\": $hour}"
        datacat_state '{"mast": {"up": false}}'
        exit 70
    fi
done

datacat_event day_over info '{"hours": 6}'
datacat_end
