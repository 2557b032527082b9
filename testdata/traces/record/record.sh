#!/bin/sh
# Records every trace again and rewrites SHA256SUMS. About six minutes, as root,
# on a host without swap. One set alone: record.sh memory|threat|workload|failure
# Debian packages: linux-perf strace gcc sqlite3 perl xz-utils git linux-libc-dev
set -eu
cd "$(dirname "$0")"

for set in ${1:-memory threat workload failure}; do
	case $set in
	memory) python3 faults.py ;;
	threat) python3 syscalls.py ;;
	workload) python3 usage.py ;;
	failure) python3 pressure.py ;;
	*) echo "record.sh: no set $set" >&2; exit 2 ;;
	esac
done
cd .. && sha256sum -- *.csv.gz > SHA256SUMS
