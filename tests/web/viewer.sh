#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# The viewer's logic under node, where there is a node that knows today's JavaScript.
here=$(dirname "$0")
major=$(node -p 'process.versions.node.split(".")[0]' 2>/dev/null)
if [ "${major:-0}" -lt 18 ]; then
	echo "1..0 # SKIP no node of at least version 18 on PATH"
	exit 0
fi
exec node "$here/logic.mjs"
