"""What makes shells complete the words of `datacat`.

Each script asks the program, a line for each completion, and has its shell quote what it inserts. None evaluates what
it is given: some of it was said by applications. `_DATACAT_NAMES` says so to the program, which offers other shells
plain names only.
"""

BASH = r"""_datacat_completion() {
    local line word=${COMP_WORDS[COMP_CWORD]}
    COMPREPLY=()
    while IFS= read -r line; do
        # Behind a quote that is open readline inserts as it is.
        [[ $word == [\"\']* ]] || printf -v line %q "$line"
        COMPREPLY+=("$line")
    done < <(IFS=$'\n' COMP_WORDS="${COMP_WORDS[*]}" COMP_CWORD=$COMP_CWORD \
        _DATACAT_NAMES=all _DATACAT_COMPLETE=complete_bash "$1" 2>/dev/null)
}
complete -o default -F _datacat_completion datacat
"""

ZSH = r"""#compdef datacat
_datacat() {
    local line
    local -a values texts
    for line in "${(@f)$(_TYPER_COMPLETE_ARGS="${words[1,$CURRENT]}" _TYPER_COMPLETE_FISH_ACTION=get-args \
        _DATACAT_NAMES=all _DATACAT_COMPLETE=complete_fish "${(Q)words[1]}" 2>/dev/null)}"; do
        [[ -n $line ]] || continue
        values+=("${line%%$'\t'*}")
        texts+=("${line/$'\t'/  -- }")
    done
    if (( $#values )); then
        compadd -l -d texts -a values
    else
        _files
    fi
}
if [[ $funcstack[1] == _datacat ]]; then
    _datacat "$@"
else
    compdef _datacat datacat
fi
"""

FISH = r"""function __datacat_complete
    set -g __datacat_found (env _TYPER_COMPLETE_ARGS=(commandline -cp | string collect -N) \
        _TYPER_COMPLETE_FISH_ACTION=get-args _DATACAT_NAMES=all _DATACAT_COMPLETE=complete_fish datacat 2>/dev/null)
    test (count $__datacat_found) -gt 0
end
complete --command datacat --no-files --condition __datacat_complete --arguments '(string join -- \n $__datacat_found)'
"""
