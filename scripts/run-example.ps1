<#
.SYNOPSIS
Runs a program of the folder examples: scripts\run-example.ps1 -Example basic. More arguments go to the program.
.PARAMETER Example
Its name, without ".py".
#>
param([Parameter(Mandatory)][string]$Example, [Parameter(ValueFromRemainingArguments)][string[]]$Arguments = @())
$ErrorActionPreference = "Stop"
$examples = Join-Path (Split-Path -Parent $PSScriptRoot) "examples"
$program = Join-Path $examples "$Example.py"
if (-not (Test-Path $program)) {
    $names = (Get-ChildItem $examples -Filter "*.py").BaseName -join ", "
    throw "There is no example $Example. There are: $names"
}
$commands = & (Join-Path $PSScriptRoot "setup.ps1")
& (Join-Path $commands "python") $program @Arguments
exit $LASTEXITCODE
