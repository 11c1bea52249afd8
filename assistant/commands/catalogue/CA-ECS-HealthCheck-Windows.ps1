# Exit status: 0 healthy, 1 something needs attention, 2 a parameter is wrong.
$ErrorActionPreference = 'Stop'
$disk = '{{disk}}'
$memory = '{{memory}}'

if ($disk -notmatch '^[0-9]{1,3}$' -or $memory -notmatch '^[0-9]{1,3}$') {
    [Console]::Error.WriteLine('disk, memory: give whole numbers of per cent.')
    exit 2
}

$script:problems = 0
function Show([bool]$good, [string]$text) {
    if ($good) {
        Write-Output "ok         $text"
    } else {
        Write-Output "ATTENTION  $text"
        $script:problems++
    }
}

$system = Get-CimInstance Win32_OperatingSystem
$hours = [int]((Get-Date) - $system.LastBootUpTime).TotalHours
Write-Output "$($system.CSName), $($system.Caption) $($system.Version), up $hours hours"
Write-Output ''

foreach ($volume in Get-CimInstance Win32_LogicalDisk -Filter 'DriveType = 3') {
    if ($volume.Size -gt 0) {
        $used = [int](100 - 100 * $volume.FreeSpace / $volume.Size)
        Show ($used -le [int]$disk) "disk $($volume.DeviceID) $used% in use"
    }
}

$used = [int](100 - 100 * $system.FreePhysicalMemory / $system.TotalVisibleMemorySize)
Show ($used -le [int]$memory) "memory: $used% in use"

# Services that start with the machine and do not run; those that start on a trigger may rest.
$stopped = @(Get-CimInstance Win32_Service -Filter "StartMode = 'Auto' AND State <> 'Running' AND ExitCode <> 0 AND ExitCode <> 1077")
Show ($stopped.Count -eq 0) "services that failed: $(($stopped | ForEach-Object { $_.Name }) -join ' ')"

$restart = (Test-Path 'HKLM:\SOFTWARE\Microsoft\Windows\CurrentVersion\Component Based Servicing\RebootPending') -or
    (Test-Path 'HKLM:\SOFTWARE\Microsoft\Windows\CurrentVersion\WindowsUpdate\Auto Update\RebootRequired')
Show (-not $restart) "restart needed: $restart"

$time = Get-Service -Name W32Time -ErrorAction SilentlyContinue
Show ($null -ne $time -and $time.Status -eq 'Running') 'time service runs'

Write-Output ''
if ($script:problems -eq 0) {
    Write-Output 'Healthy.'
    exit 0
}
Write-Output "$($script:problems) need attention."
exit 1
