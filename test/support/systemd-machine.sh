#!/usr/bin/env bash
# systemd-machine.sh ROOT UNITS: systemd as process 1 of a machine of its own: an overlay over this machine's files, with its
# own processes, mounts and control groups; the network is this machine's. ROOT is an empty directory, UNITS one with units.
# What has to be seen inside under a path of its own is named in BINDS, lines of `outside<tab>inside`. Prints the id of
# systemd's process, and ends all of it when its standard input ends.
set -euo pipefail
export ROOT=$1 UNITS=$2

inside() {
  set -euo pipefail
  mount -t tmpfs tmpfs "$ROOT"
  mkdir "$ROOT"/{upper,work,root}
  mount -t overlay overlay -o "lowerdir=/,upperdir=$ROOT/upper,workdir=$ROOT/work" "$ROOT/root"
  cd "$ROOT/root"
  mount -t proc proc proc
  mount -t sysfs sysfs sys
  mount -t cgroup2 cgroup2 sys/fs/cgroup
  mount -t tmpfs tmpfs dev
  cp -a /dev/{null,zero,full,random,urandom,tty,ptmx} dev/
  ln -s /proc/self/fd dev/fd
  mkdir dev/shm
  mount -t tmpfs tmpfs run
  while IFS=$'\t' read -r outside place; do
    [ -n "$outside" ] || continue
    if [ -d "$outside" ]; then mkdir -p "./$place"; else mkdir -p "./$(dirname "$place")" && touch "./$place"; fi
    mount --bind "$outside" "./$place"
  done <<<"${BINDS:-}"
  rm -rf etc/systemd/system
  cp -r "$UNITS" etc/systemd/system
  cp /lib/systemd/system/systemd-journald{.service,.socket,-dev-log.socket} etc/systemd/system/
  mkdir old
  pivot_root . old
  umount -l old
  exec env -i container=auditail SYSTEMD_UNIT_PATH=/etc/systemd/system SYSTEMD_LOG_TARGET=journal \
    PATH=/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin \
    /lib/systemd/systemd --system --unit=machine.target --show-status=no </dev/null
}
export -f inside

cgroups=$(awk '$3 == "cgroup2" { print $2; exit }' /proc/mounts)
own=$cgroups/auditail-machine-$$
mkdir "$own"
bash -c 'echo $$ >"$0/cgroup.procs" && exec unshare --mount --pid --fork --kill-child --mount-proc --cgroup --uts --ipc bash -c inside' \
  "$own" </dev/null >&2 &
machine=$!
until init=$(tr -d ' ' <"/proc/$machine/task/$machine/children") && [ "$(cat "/proc/$init/comm" 2>/dev/null)" = systemd ]; do
  kill -0 "$machine"
  sleep 0.05
done
echo "$init"
cat >/dev/null
{ kill -9 "$machine" && wait "$machine"; } 2>/dev/null || true
# Its processes take a moment to go.
until find "$own" -depth -type d -exec rmdir {} + 2>/dev/null; do sleep 0.05; done
