#!/usr/bin/env bash
# A real S3 server for tests: Ceph's object gateway with one monitor and one disk, on loopback, as root.
#
#   tests/e2e/ceph.sh start PORT DIR    S3 at http://127.0.0.1:PORT, key testkey, secret testsecret; data in DIR
#   tests/e2e/ceph.sh stop  PORT DIR    ends what start began; the data stays, and a second start finds it again
#
# Needs ceph-mon, ceph-osd, radosgw, ceph-common, curl and uuid-runtime. The first start takes about 20 s and 180 MB of
# memory. PORT+1 is the monitor's; the disk daemon takes a free port above 6800.
set -euo pipefail
verb=${1:?start or stop}; port=${2:?a port}; dir=${3:?a folder}
export CEPH_CONF=$dir/ceph.conf
patience_s=60

end() { # $1: a daemon's name; waits until it is gone
  local pid
  pid=$(cat "$dir/run/$1.pid" 2>/dev/null) || return 0
  kill "$pid" 2>/dev/null || return 0
  for _ in $(seq 100); do
    kill -0 "$pid" 2>/dev/null || return 0
    sleep .1
  done
  kill -9 "$pid" 2>/dev/null || true
}

stop() { # another order hangs the gateway
  end client.rgw
  end osd.0
  end mon.a
}

wait_for() { # until the command succeeds
  local deadline=$((SECONDS + patience_s))
  until "$@" >/dev/null 2>&1; do
    ((SECONDS < deadline)) || { echo "in vain: $*; see $dir/log" >&2; return 1; }
    sleep .2
  done
}

make_disk() {
  local osd
  osd=$(uuidgen)
  wait_for timeout 10 ceph osd new "$osd" # both idempotent: an order may be refused as those of the disk, see below
  wait_for timeout 10 ceph osd crush add osd.0 1 root=default host=here
  ceph-osd -i 0 --mkfs --osd-uuid "$osd" >>"$dir/log/mkfs" 2>&1
}

osd_is_up() { timeout 5 ceph osd stat | grep -q '1 up'; }

if [[ $verb == stop ]]; then
  stop
  exit 0
fi
[[ $verb == start ]] || { echo "start or stop, not $verb" >&2; exit 2; }
for tool in ceph ceph-mon ceph-osd radosgw radosgw-admin monmaptool curl uuidgen; do
  command -v "$tool" >/dev/null || { echo "$tool is missing: install the packages named above" >&2; exit 2; }
done
trap stop ERR

fresh=
[[ -e $dir/ceph.conf ]] || fresh=1
mkdir -p "$dir"/{mon,osd,run,log,rgw}
if [[ $fresh ]]; then
  fsid=$(uuidgen)
  cat >"$dir/ceph.conf" <<C
[global]
fsid=$fsid
mon host=v1:127.0.0.1:$((port + 1))
ms bind msgr2=false
auth cluster required=none
auth service required=none
auth client required=none
osd pool default size=1
osd pool default min size=1
osd crush chooseleaf type=0
osd pool default pg num=8
osd pool default pg autoscale mode=off
mon allow pool size one=true
mon data avail crit=1
run dir=$dir/run
pid file=$dir/run/\$name.pid
admin socket=$dir/run/\$name.asok
log file=$dir/log/\$name.log
setuser=root
setgroup=root
[mon]
mon data=$dir/mon
[osd]
osd data=$dir/osd
public addr=127.0.0.1
cluster addr=127.0.0.1
osd objectstore=bluestore
# What a starting disk would tell the monitor, it may tell before it has been sent the monitors' map. The order then
# names no cluster, is refused as "wrong fsid", and the daemon ends. So the script does it: see make_disk.
osd crush update on start=false
osd class update on start=false
bluestore block size=4294967296
[client.rgw]
rgw data=$dir/rgw
rgw frontends=beast endpoint=127.0.0.1:$port
C
  monmaptool --create --clobber --fsid "$fsid" --addv a "[v1:127.0.0.1:$((port + 1))]" "$dir/monmap" >/dev/null
  ceph-mon -i a --mkfs --monmap "$dir/monmap"
fi
ceph-mon -i a
wait_for timeout 5 ceph -s
[[ ! $fresh ]] || make_disk
ceph-osd -i 0 >/dev/null
wait_for osd_is_up
radosgw -n client.rgw
wait_for curl -fs "127.0.0.1:$port"
if [[ $fresh ]]; then
  radosgw-admin user create --uid=test --display-name=test --access-key=testkey --secret-key=testsecret >/dev/null
fi
echo "S3 at http://127.0.0.1:$port"
