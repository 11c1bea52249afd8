# Exit status: 0 up to date or the installer begins, 1 an upgrade waits or failed, 2 a parameter is wrong, 3 no client there.
$ErrorActionPreference = 'Stop'
$ProgressPreference = 'SilentlyContinue'
$version = '{{version}}'
$url = '{{url}}'
$sha256 = '{{sha256}}'
$apply = '{{apply}}'

function Refuse([int]$status, [string]$text) {
    [Console]::Error.WriteLine($text)
    exit $status
}

if ($apply -notin @('no', 'yes')) { Refuse 2 'apply: yes or no.' }
if ($version -notmatch '^[0-9]{1,9}(\.[0-9]{1,9}){1,3}$') { Refuse 2 'version: give numbers with dots between them.' }

$service = Get-CimInstance Win32_Service -Filter "Name = 'AliyunService'"
if ($null -eq $service) { Refuse 3 'No client is installed: there is no service AliyunService.' }
# The folder of the program is named as its version.
if ($service.PathName -notmatch '^"?(?<root>[^"]+)\\(?<version>[0-9]+(\.[0-9]+){1,3})\\[^\\"]+\.exe') {
    Refuse 3 "The version of the client cannot be told from $($service.PathName)."
}
$root = $Matches['root']
$installed = $Matches['version']

Write-Output "Installed  $installed ($($service.State))"
Write-Output "Wanted     $version"
if ([version]$installed -ge [version]$version) {
    Write-Output 'Up to date.'
    exit 0
}
if ($apply -ne 'yes') {
    Write-Output 'Dry run: nothing was changed. Set apply to yes to upgrade.'
    exit 1
}

if ($url -notmatch '^https://' -or $sha256 -notmatch '^[0-9A-Fa-f]{64}$') {
    Refuse 2 'url, sha256: to upgrade, give the address of the installer and its SHA-256.'
}
$me = [Security.Principal.WindowsPrincipal][Security.Principal.WindowsIdentity]::GetCurrent()
if (-not $me.IsInRole([Security.Principal.WindowsBuiltInRole]::Administrator)) {
    Refuse 1 'Only an administrator can upgrade the client; run this as system.'
}

# A folder of its own that nobody else can write to: what lies beside an installer may be loaded by it.
Get-ChildItem -LiteralPath $root -Directory -Filter 'upgrade-*' | Remove-Item -Recurse -Force
$folder = (New-Item -ItemType Directory -Path (Join-Path $root "upgrade-$([guid]::NewGuid())")).FullName
& icacls.exe $folder /inheritance:r /grant:r '*S-1-5-18:(OI)(CI)F' '*S-1-5-32-544:(OI)(CI)F' | Out-Null
if ($LASTEXITCODE -ne 0) { Refuse 1 "The folder $folder cannot be closed to others." }

$setup = Join-Path $folder 'setup.exe'
[Net.ServicePointManager]::SecurityProtocol = [Net.ServicePointManager]::SecurityProtocol -bor [Net.SecurityProtocolType]::Tls12
try {
    Invoke-WebRequest -UseBasicParsing -Uri $url -OutFile $setup -TimeoutSec 120
} catch {
    Refuse 1 "The installer cannot be fetched: $($_.Exception.Message)"
}
$found = (Get-FileHash -Algorithm SHA256 -LiteralPath $setup).Hash
if ($found -ne $sha256) {
    Remove-Item -LiteralPath $folder -Recurse -Force
    Refuse 1 "This is not the installer that was meant: its SHA-256 is $found."
}

# Later and by somebody else: a client that restarts ends its commands, and this is one.
$action = New-ScheduledTaskAction -Execute $setup -Argument '/S'
$trigger = New-ScheduledTaskTrigger -Once -At (Get-Date).AddSeconds(15)
Register-ScheduledTask -TaskName 'CloudAssistantClientUpgrade' -Action $action -Trigger $trigger -User 'SYSTEM' -RunLevel Highest -Force | Out-Null
Write-Output 'The installer begins in fifteen seconds, and the client restarts. Run this once more without apply to see what came of it.'
exit 0
