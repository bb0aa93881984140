#!/bin/sh
# A backup that knows nothing of DataCat. `datacat run --capture-output` makes a session of it all the same:
#
#     datacat run --product Backup --capture-output -- sh nightly_backup.sh FOLDER ARCHIVE
#
# With --ask it waits for a line of input before it begins.
set -eu

folder=$1
archive=$2
if [ ! -d "$folder" ]; then
    echo "there is no folder $folder" >&2
    exit 3
fi
if [ "${3-}" = --ask ]; then
    echo "Back up $folder now? Press Enter."
    read -r _
fi
tar -cf "$archive.part" -C "$folder" .
mv "$archive.part" "$archive"
tar -tf "$archive" | sed -n 's|^\./\(..*\)|packed \1|p'
echo "$(tar -tf "$archive" | grep -vc '/$') files in $archive"
