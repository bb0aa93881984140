<#
.SYNOPSIS
Makes the environment .venv with both packages, or sees that it is there; returns the folder of its commands.
.PARAMETER Python
The Python to make it with, 3.11 or newer; by default what the launcher "py" has, else "python".
#>
param([string]$Python)
$ErrorActionPreference = "Stop"
$root = Split-Path -Parent $PSScriptRoot

if (-not $Python) {
    $Python = if (Get-Command py -ErrorAction SilentlyContinue) { "py" }
        elseif (Get-Command python3 -ErrorAction SilentlyContinue) { "python3" }
        else { "python" }
}
& $Python -c "import sys; sys.exit(sys.version_info < (3, 11))"
if ($LASTEXITCODE) { throw "DataCat's server needs Python 3.11 or newer; name one: scripts\setup.ps1 -Python C:\path\to\python.exe" }
& $Python (Join-Path $PSScriptRoot "set_up.py") run | Out-Host
if ($LASTEXITCODE) { throw "Setting up failed; the reason stands above." }

$commands = if ($env:OS -eq "Windows_NT") { "Scripts" } else { "bin" }
Join-Path (Join-Path $root ".venv") $commands
