<#
.SYNOPSIS
The server and the web UI, until Ctrl-C. Arguments go to "datacat up".
#>
$ErrorActionPreference = "Stop"
$commands = & (Join-Path $PSScriptRoot "setup.ps1")
& (Join-Path $commands "datacat") up @args
exit $LASTEXITCODE
