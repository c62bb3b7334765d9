#!/usr/bin/env bash
# Prints the Python to make an environment with. The system's own goes first: distributions optimise theirs with profiles,
# version managers often do not, and pure Python takes two fifths longer then (Debian's 3.11 beside one built by pyenv).
for python in /usr/bin/python3.[1-9][0-9]; do
  if "$python" -c 'import ensurepip, sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
    echo "$python"
    exit
  fi
done
echo python3
