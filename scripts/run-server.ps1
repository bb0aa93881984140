<#
.SYNOPSIS
The server alone, until Ctrl-C. Arguments go to datacat-server.
#>
$ErrorActionPreference = "Stop"
$commands = & (Join-Path $PSScriptRoot "setup.ps1")
& (Join-Path $commands "datacat-server") @args
exit $LASTEXITCODE
