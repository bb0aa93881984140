<#
.SYNOPSIS
Makes the environment .venv with both packages, or sees that it is there; returns the folder of its commands.
.PARAMETER Python
The Python to make it with, 3.11 or newer; by default what the launcher "py" has, else "python", else "python3".
#>
param([string]$Python)
$ErrorActionPreference = "Stop"
$root = Split-Path -Parent $PSScriptRoot

if (-not $Python) {
    # "python3" comes last: on Windows it is most often but a stub that opens the Store
    $Python = if (Get-Command py -ErrorAction SilentlyContinue) { "py" }
        elseif (Get-Command python -ErrorAction SilentlyContinue) { "python" }
        else { "python3" }
}
& $Python -c "import sys; sys.exit(sys.version_info < (3, 11))"
if ($LASTEXITCODE) { throw "DataCat's server needs Python 3.11 or newer; name one: scripts\setup.ps1 -Python C:\path\to\python.exe" }
& $Python (Join-Path $PSScriptRoot "set_up.py") run | Out-Host
if ($LASTEXITCODE) { throw "Setting up failed; the reason stands above." }

$commands = if ($env:OS -eq "Windows_NT") { "Scripts" } else { "bin" }
Join-Path (Join-Path $root ".venv") $commands
