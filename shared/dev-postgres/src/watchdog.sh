# Runs a program as its child and ends it when the pipe on standard input is closed.
#   sh watchdog.sh <log> <folder to remove at the end, or nothing> <program> <arguments...>
# Standard output is the lock of the cluster: it is free again when this script ends.

log=$1 folder=$2
shift 2

# A background command would get /dev/null as its input, so the pipe gets a number of its own.
exec 3<&0 </dev/null

"$@" >"$log" 2>&1 3<&- &
program=$!

# Our parent never writes. The read returns when it has closed the pipe, or is dead.
(
  trap '' HUP INT TERM
  read -r line <&3
  [ -z "$folder" ] || : >"$folder/owner-is-gone"
  # A fast shutdown. It is asked for again, because Postgres ignores it in its first moments.
  # 75 times is 15 seconds.
  times=0
  while [ "$times" -lt 75 ]; do
    kill -INT "$program"
    sleep 0.2
    times=$((times + 1))
  done
  # An immediate shutdown: whatever it is stuck in, the next start recovers from its journal.
  kill -QUIT "$program"
) >/dev/null 2>&1 &
guard=$!

exec 3<&-
trap '' HUP INT TERM
wait "$program"
status=$?
kill -KILL "$guard" 2>/dev/null
wait "$guard" 2>/dev/null

# If the program ended by itself, our parent is alive and still wants to read the log.
if [ -n "$folder" ] && [ -e "$folder/owner-is-gone" ]; then
  rm -rf "$folder"
fi
exit "$status"
