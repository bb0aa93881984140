<#
.SYNOPSIS
The web UI alone, over the data of a server in the same folder, until Ctrl-C. Arguments go to datacat-web.
#>
$ErrorActionPreference = "Stop"
$commands = & (Join-Path $PSScriptRoot "setup.ps1")
& (Join-Path $commands "datacat-web") @args
exit $LASTEXITCODE
