#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The event page in Chromium on the whole chain, while a relay dies.
. "$(dirname "$0")/../demo/lib.sh"
command -v node >/dev/null || skip_all "node is not installed"
begin_demo
export top_srcdir top_builddir
KOSHIEN_URL=http://127.0.0.1:$port/ KOSHIEN_KILL_CMD="kill -USR1 $demo" node "$(dirname "$0")/chain.mjs"
